// Rewriting loads from the GOT to direct forms (x86-64 psABI B.2 "Optimize GOTPCRELX Relocations").
//
//     8b /r  mov   foo@GOTPCREL(%rip), %reg   →   8d /r  lea  foo(%rip), %reg
//     ff 15  call  *foo@GOTPCREL(%rip)        →   67 e8  addr32 call foo
//     ff 25  jmp   *foo@GOTPCREL(%rip)        →   e9     jmp  foo ; 90 nop
//     85 /r  test  %reg, foo@GOTPCREL(%rip)   →   f7 /0  test $foo, %reg
//     3b /r  cmp   foo@GOTPCREL(%rip), %reg   →   81 /7  cmp  $foo, %reg     (and add, or, adc, sbb, and, sub, xor)

/** What precedes the opcode. */
export type GotLoadPrefix = "none" | "rex" | "rex2";

/** The value of a 32-bit field, if it is one. */
function isInt32(value: number): boolean {
  return value >= -0x8000_0000 && value <= 0x7fff_ffff;
}

/**
 * Tries to replace the GOT load whose 32-bit field is at `at` (address `P`) by a direct form that reaches `S`.
 * Only fields with the usual addend of −4 qualify. A prefix excludes the branches; behind REX2 only loads are replaced. False when the form is another or the distance does not fit: then the GOT entry is needed.
 */
export function relaxGotLoad(view: DataView, at: number, S: number, P: number, prefix: GotLoadPrefix): boolean {
  const distance = S - 4 - P;
  const opcode = view.getUint8(at - 2);
  if (opcode === 0x8b) {
    if (!isInt32(distance) || (view.getUint8(at - 1) & 0xc7) !== 0x05) return false;
    view.setUint8(at - 2, 0x8d);
    view.setInt32(at, distance, true);
    return true;
  }
  if (opcode === 0x85 || (opcode & 0xc7) === 0x03) return useImmediate(view, at, S, opcode, prefix);
  if (prefix !== "none" || opcode !== 0xff) return false;
  const form = view.getUint8(at - 1);
  if (form === 0x15 && isInt32(distance)) {
    view.setUint16(at - 2, 0xe867, true);
    view.setInt32(at, distance, true);
    return true;
  }
  // The jump is one byte shorter, so its field lies one byte earlier and the distance is one more.
  if (form === 0x25 && isInt32(distance + 1)) {
    view.setUint8(at - 2, 0xe9);
    view.setInt32(at - 1, distance + 1, true);
    view.setUint8(at + 3, 0x90);
    return true;
  }
  return false;
}

/** The address becomes the operand: for what lies below 2 GiB, as an immediate value is extended with its sign. */
function useImmediate(view: DataView, at: number, S: number, opcode: number, prefix: GotLoadPrefix): boolean {
  const modRm = view.getUint8(at - 1);
  if (prefix === "rex2" || (modRm & 0xc7) !== 0x05 || !(S >= 0 && S <= 0x7fff_ffff)) return false;
  const register = (modRm >> 3) & 7;
  const operation = opcode === 0x85 ? 0 : opcode & 0x38;
  view.setUint8(at - 2, opcode === 0x85 ? 0xf7 : 0x81);
  view.setUint8(at - 1, 0xc0 | operation | register);
  if (prefix === "rex") {
    // The register moves from the field that REX.R extends to the one that REX.B does.
    const rex = view.getUint8(at - 3);
    view.setUint8(at - 3, (rex & ~5) | ((rex & 4) >> 2));
  }
  view.setInt32(at, S, true);
  return true;
}
