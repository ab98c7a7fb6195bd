// Rewriting loads from the GOT to direct forms (x86-64 psABI B.2 "Optimize GOTPCRELX Relocations").
//
//     8b /r  mov   foo@GOTPCREL(%rip), %reg   →   8d /r  lea  foo(%rip), %reg
//     ff 15  call  *foo@GOTPCREL(%rip)        →   67 e8  addr32 call foo
//     ff 25  jmp   *foo@GOTPCREL(%rip)        →   e9     jmp  foo ; 90 nop

/** The value of a 32-bit field, if it is one. */
function isInt32(value: number): boolean {
  return value >= -0x8000_0000 && value <= 0x7fff_ffff;
}

/**
 * Tries to replace the GOT load whose 32-bit field is at `at` (address `P`) by a direct form that reaches `S`.
 * Only fields with the usual addend of −4 qualify. `prefix` says whether a REX or REX2 prefix precedes the opcode, which
 * excludes the branches. False when the form is another or the distance does not fit: then the GOT entry is needed.
 */
export function relaxGotLoad(view: DataView, at: number, S: number, P: number, prefix: boolean): boolean {
  const distance = S - 4 - P;
  const opcode = view.getUint8(at - 2);
  if (opcode === 0x8b) {
    if (!isInt32(distance) || (view.getUint8(at - 1) & 0xc7) !== 0x05) return false;
    view.setUint8(at - 2, 0x8d);
    view.setInt32(at, distance, true);
    return true;
  }
  if (prefix || opcode !== 0xff) return false;
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
