// Thread-local sequences and what replaces them when the place of a variable relative to the thread pointer is known
// (U. Drepper, "ELF Handling For Thread-Local Storage", 4.1.6 and 5.5; x86-64 psABI, code models; TLSDESC by A. Oliva).
// Each rewriter gets the position of the relocated 32-bit field in writable memory. Those whose pattern ends in the call to
// __tls_get_addr say how far behind that field the call's own field is, whose relocation entry is then done; -1 when the bytes
// are another form.

function matches(view: DataView, at: number, bytes: readonly number[]): boolean {
  if (at < 0 || at + bytes.length > view.byteLength) return false;
  for (let i = 0; i < bytes.length; i++) {
    if (view.getUint8(at + i) !== bytes[i]) return false;
  }
  return true;
}

function write(view: DataView, at: number, bytes: readonly number[]): void {
  for (let i = 0; i < bytes.length; i++) view.setUint8(at + i, bytes[i]!);
}

const movFs0Rax = [0x64, 0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x00, 0x00]; // mov %fs:0, %rax
const leaRdi = [0x48, 0x8d, 0x3d]; //                                        lea x(%rip), %rdi

/** The calls of __tls_get_addr that may follow the field of a general-dynamic lea; each fills 8 bytes with its own field. */
const generalDynamicCalls = [
  [0x66, 0x66, 0x48, 0xe8], // data16 data16 rex.w call __tls_get_addr@PLT
  [0x66, 0x48, 0xff, 0x15], // data16 rex.w call *__tls_get_addr@GOTPCREL(%rip)
  [0x66, 0x48, 0x67, 0xe8], // data16 rex.w addr32 call __tls_get_addr
];

/** The large model's call behind the field: movabs $__tls_get_addr@pltoff, %rax; add %rbx | %r15, %rax; call *%rax. */
function isLargeCall(view: DataView, at: number): boolean {
  if (!matches(view, at, [0x48, 0xb8]) || !matches(view, at + 13, [0xff, 0xd0])) return false;
  return matches(view, at + 10, [0x48, 0x01, 0xd8]) || matches(view, at + 10, [0x4c, 0x01, 0xf8]);
}

/** Distance of the large model's call field from the first one. */
const LARGE_CALL_FIELD = 6;

function isGeneralDynamic(view: DataView, at: number): boolean {
  if (!matches(view, at - 4, [0x66, ...leaRdi]) || at + 12 > view.byteLength) return false;
  return generalDynamicCalls.some((call) => matches(view, at + 4, call));
}

/** General dynamic → local exec. `threadOffset` is the variable's distance from the thread pointer (negative). */
export function relaxGeneralDynamic(view: DataView, at: number, threadOffset: number): number {
  // 66 48 8d 3d tlsgd       data16 lea x@tlsgd(%rip), %rdi; then a call
  if (isGeneralDynamic(view, at)) {
    write(view, at - 4, movFs0Rax);
    write(view, at + 5, [0x48, 0x8d, 0x80]); //      lea x@tpoff(%rax), %rax
    view.setInt32(at + 8, threadOffset, true);
    return 8;
  }
  if (matches(view, at - 3, leaRdi) && isLargeCall(view, at + 4)) {
    write(view, at - 3, movFs0Rax);
    write(view, at + 6, [0x48, 0x8d, 0x80]); //      lea x@tpoff(%rax), %rax
    view.setInt32(at + 9, threadOffset, true);
    write(view, at + 13, [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00]); // nopw 0(%rax,%rax)
    return LARGE_CALL_FIELD;
  }
  return -1;
}

/** Local dynamic → local exec: the module's base becomes the thread pointer; DTPOFF fields then hold thread offsets. */
export function relaxLocalDynamic(view: DataView, at: number): number {
  if (!matches(view, at - 3, leaRdi)) return -1;
  // 48 8d 3d tlsld  e8 plt32        lea x@tlsld(%rip), %rdi; call __tls_get_addr@PLT
  if (at + 9 > view.byteLength) return -1;
  if (view.getUint8(at + 4) === 0xe8) {
    write(view, at - 3, [0x66, 0x66, 0x66, ...movFs0Rax]);
    return 5;
  }
  // 48 8d 3d tlsld  ff 15 gotpcrelx | 67 e8 plt32
  if (matches(view, at + 4, [0xff, 0x15]) || matches(view, at + 4, [0x67, 0xe8])) {
    if (at + 10 > view.byteLength) return -1;
    write(view, at - 3, [0x66, 0x66, 0x66, 0x66, ...movFs0Rax]);
    return 6;
  }
  // Large model, as above.
  if (isLargeCall(view, at + 4)) {
    write(view, at - 3, [0x66, 0x66, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0]); // nopw %cs:0(%rax,%rax)
    write(view, at + 10, movFs0Rax);
    return LARGE_CALL_FIELD;
  }
  return -1;
}

/** TLSDESC → local exec: 48 8d 05 (lea x@tlsdesc(%rip), %reg) becomes 48 c7 c0 (mov $x@tpoff, %reg). */
export function relaxDescriptor(view: DataView, at: number, threadOffset: number): boolean {
  const rex = view.getUint8(at - 3);
  const form = view.getUint8(at - 1);
  if ((rex & 0xfb) !== 0x48 || view.getUint8(at - 2) !== 0x8d || (form & 0xc7) !== 0x05) return false;
  view.setUint8(at - 3, 0x48 | ((rex >> 2) & 1));
  view.setUint8(at - 2, 0xc7);
  view.setUint8(at - 1, 0xc0 | ((form >> 3) & 7));
  view.setInt32(at, threadOffset, true);
  return true;
}

/** TLSDESC → initial exec: the lea becomes a mov from the GOT entry that holds the thread offset. */
export function descriptorToInitialExec(view: DataView, at: number): boolean {
  const rex = view.getUint8(at - 3);
  const form = view.getUint8(at - 1);
  if ((rex & 0xfb) !== 0x48 || view.getUint8(at - 2) !== 0x8d || (form & 0xc7) !== 0x05) return false;
  view.setUint8(at - 2, 0x8b);
  return true;
}

/**
 * The call of a TLSDESC sequence, `ff 10` (call *(%rax)) or with a prefix, becomes a no-operation of the same length;
 * false when there is no such call, which is then left alone.
 */
export function relaxDescriptorCall(view: DataView, at: number): boolean {
  if (matches(view, at, [0xff, 0x10])) {
    write(view, at, [0x66, 0x90]);
    return true;
  }
  if (!matches(view, at, [0x67, 0xff, 0x10])) return false;
  write(view, at, [0x0f, 0x1f, 0x00]); // x32 form
  return true;
}

/**
 * Initial exec → local exec: a load or addition of the offset from the GOT becomes one of the offset itself (the forms of GNU ld).
 *
 *     48 8b 05+8r  mov x@gottpoff(%rip), %reg   →   48 c7 c0+r  mov $x@tpoff, %reg
 *     48 03 05+8r  add x@gottpoff(%rip), %reg   →   48 8d 80+9r lea x@tpoff(%reg), %reg   (rsp, r12: 48 81 c4 add $x@tpoff, %reg)
 */
export function relaxInitialExec(view: DataView, at: number, threadOffset: number): boolean {
  if (at < 3) return false;
  const rex = view.getUint8(at - 3);
  const opcode = view.getUint8(at - 2);
  const form = view.getUint8(at - 1);
  if ((rex & 0xfb) !== 0x48 || (form & 0xc7) !== 0x05) return false;
  const register = (form >> 3) & 7;
  const high = (rex >> 2) & 1;
  if (opcode === 0x8b) write(view, at - 3, [0x48 | high, 0xc7, 0xc0 | register]);
  else if (opcode !== 0x03) return false;
  else if (register === 4) write(view, at - 3, [0x48 | high, 0x81, 0xc4]);
  else write(view, at - 3, [0x48 | (high * 5), 0x8d, 0x80 | (register << 3) | register]);
  view.setInt32(at, threadOffset, true);
  return true;
}
