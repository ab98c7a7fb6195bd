// How many bytes of an instruction lie behind its 32-bit rip-relative displacement: an immediate operand. A relocation entry counts its
// place from the displacement, the processor from the instruction's end, so that the addend of `cmpb $1, x(%rip)` is that of x less 5.
// Compilers write few opcodes with both (Intel's manual, volume 2, appendix A); what is not among them is not guessed.

/** ModRM of a rip-relative operand: mod = 00, rm = 101. */
const RIP_RELATIVE = 0b101;

/** One-byte opcodes with an 8-bit immediate behind a ModRM operand. */
const IMMEDIATE_8 = new Set([0x80, 0x83, 0xc0, 0xc1, 0xc6, 0x6b]);
/** With one of 32 bits, or of 16 behind an operand-size prefix. */
const IMMEDIATE_32 = new Set([0x81, 0xc7, 0x69]);
/** Behind 0x0f: with an 8-bit immediate. */
const IMMEDIATE_8_TWO_BYTE = new Set([0x70, 0x71, 0x72, 0x73, 0xa4, 0xac, 0xba, 0xc2, 0xc4, 0xc5, 0xc6]);
const OPERAND_SIZE = 0x66;

/**
 * Bytes of the instruction behind the displacement at `at` of `code`; undefined when the bytes in front of it can be read in two ways.
 */
export function trailingBytes(code: Uint8Array, at: number): number | undefined {
  const modrm = code[at - 1];
  if (modrm === undefined || (modrm & 0xc7) !== RIP_RELATIVE) return isBranch(code, at) ? 0 : undefined;
  const opcode = code[at - 2];
  if (opcode === undefined) return undefined;
  const readings = new Set([oneByte(code, at, opcode, modrm)]);
  const twoByte = IMMEDIATE_8_TWO_BYTE.has(opcode) ? 1 : 0;
  const byMap = (map: number): number => (map === 3 ? 1 : map === 1 ? twoByte : 0);
  if (code[at - 3] === 0x0f) readings.add(twoByte);
  if (code[at - 4] === 0x0f && code[at - 3] === 0x3a) readings.add(1);
  if (code[at - 4] === 0xc5) readings.add(twoByte);
  if (code[at - 5] === 0xc4) readings.add(byMap(code[at - 4]! & 0x1f));
  if (code[at - 6] === 0x62) readings.add(byMap(code[at - 5]! & 7));
  const [only, ...others] = readings;
  return others.length === 0 ? only : undefined;
}

function oneByte(code: Uint8Array, at: number, opcode: number, modrm: number): number {
  if (IMMEDIATE_8.has(opcode)) return 1;
  const wide = hasOperandSizePrefix(code, at) ? 2 : 4;
  if (IMMEDIATE_32.has(opcode)) return wide;
  // Group 3: only `test` has an immediate.
  const isTest = ((modrm >> 3) & 7) <= 1;
  if (opcode === 0xf6 && isTest) return 1;
  return opcode === 0xf7 && isTest ? wide : 0;
}

function hasOperandSizePrefix(code: Uint8Array, at: number): boolean {
  const before = code[at - 3];
  if (before === OPERAND_SIZE) return true;
  return before !== undefined && (before & 0xf0) === 0x40 && code[at - 4] === OPERAND_SIZE;
}

/** `call`, `jmp` and `jcc` have the displacement as their only operand. */
function isBranch(code: Uint8Array, at: number): boolean {
  const opcode = code[at - 1];
  if (opcode === 0xe8 || opcode === 0xe9) return true;
  return opcode !== undefined && (opcode & 0xf0) === 0x80 && code[at - 2] === 0x0f;
}
