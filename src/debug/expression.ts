// DWARF expressions as call frame information has them: those of PLT entries and signal trampolines (DWARF 5, section 2.5).

import { DwarfReader } from "./dwarf-reader.ts";

/** What an expression may look at. */
export interface ExpressionContext {
  register(number: number): bigint | undefined;
  memory(address: bigint): bigint | undefined;
}

/** No expression of a compiler's has more steps; branches could go on for ever. */
const MOST_STEPS = 1000;

const binary: Record<number, (a: bigint, b: bigint) => bigint> = {
  26: (a, b) => a & b,
  27: (a, b) => (b === 0n ? 0n : signed(a) / signed(b)),
  28: (a, b) => a - b,
  29: (a, b) => (b === 0n ? 0n : a % b),
  30: (a, b) => a * b,
  33: (a, b) => a | b,
  34: (a, b) => a + b,
  36: (a, b) => (b < 64n ? a << b : 0n),
  37: (a, b) => (b < 64n ? a >> b : 0n),
  38: (a, b) => signed(a) >> (b < 64n ? b : 63n),
  39: (a, b) => a ^ b,
  41: (a, b) => (a === b ? 1n : 0n),
  42: (a, b) => (signed(a) >= signed(b) ? 1n : 0n),
  43: (a, b) => (signed(a) > signed(b) ? 1n : 0n),
  44: (a, b) => (signed(a) <= signed(b) ? 1n : 0n),
  45: (a, b) => (signed(a) < signed(b) ? 1n : 0n),
  46: (a, b) => (a !== b ? 1n : 0n),
};

/** Its value, with `first` on the stack before; undefined when it needs what is not known. */
export function evaluate(expression: Uint8Array, context: ExpressionContext, first?: bigint): bigint | undefined {
  const reader = new DwarfReader(expression);
  const stack: bigint[] = first === undefined ? [] : [first];
  const pop = (): bigint => {
    const value = stack.pop();
    if (value === undefined) throw new RangeError("an expression takes more than there is");
    return value;
  };
  const push = (value: bigint): void => void stack.push(BigInt.asUintN(64, value));
  for (let steps = 0; !reader.isAtEnd; steps++) {
    if (steps === MOST_STEPS) return undefined;
    const op = reader.u8();
    if (op >= 0x30 && op <= 0x4f)
      push(BigInt(op - 0x30)); // DW_OP_lit
    else if (op >= 0x70 && op <= 0x8f) {
      const value = context.register(op - 0x70); // DW_OP_breg
      const offset = reader.sleb();
      if (value === undefined) return undefined;
      push(value + offset);
    } else if (binary[op] !== undefined) {
      const right = pop();
      push(binary[op](pop(), right));
    } else if (op === 0x06) {
      const value = context.memory(pop()); // DW_OP_deref
      if (value === undefined) return undefined;
      push(value);
    } else if (!other(op, reader, stack, pop, push)) return undefined;
  }
  return pop();
}

/** Constants, the order of the stack, branches; false for what is not understood. */
function other(
  op: number,
  reader: DwarfReader,
  stack: bigint[],
  pop: () => bigint,
  push: (value: bigint) => void,
): boolean {
  switch (op) {
    case 0x03: // DW_OP_addr
    case 0x0e: // DW_OP_const8u
      push(reader.u64());
      return true;
    case 0x08:
      push(BigInt(reader.u8()));
      return true;
    case 0x09:
      push(BigInt(reader.i8()));
      return true;
    case 0x0a:
      push(BigInt(reader.u16()));
      return true;
    case 0x0b:
      push(BigInt(reader.i16()));
      return true;
    case 0x0c:
      push(BigInt(reader.u32()));
      return true;
    case 0x0d:
      push(BigInt(reader.i32()));
      return true;
    case 0x0f:
      push(reader.i64());
      return true;
    case 0x10:
      push(reader.uleb());
      return true;
    case 0x11:
      push(reader.sleb());
      return true;
    case 0x12: // DW_OP_dup
      push(stack.at(-1) ?? pop());
      return true;
    case 0x13: // DW_OP_drop
      pop();
      return true;
    case 0x14: // DW_OP_over
      push(stack.at(-2) ?? pop());
      return true;
    case 0x16: {
      const [top, next] = [pop(), pop()]; // DW_OP_swap
      push(top);
      push(next);
      return true;
    }
    case 0x19: // DW_OP_abs
      push(absolute(pop()));
      return true;
    case 0x1f: // DW_OP_neg
      push(-pop());
      return true;
    case 0x20: // DW_OP_not
      push(~pop());
      return true;
    case 0x23: // DW_OP_plus_uconst
      push(pop() + reader.uleb());
      return true;
    case 0x2f: // DW_OP_skip
      jump(reader, reader.i16());
      return true;
    case 0x28: {
      const distance = reader.i16(); // DW_OP_bra
      if (pop() !== 0n) jump(reader, distance);
      return true;
    }
    case 0x96: // DW_OP_nop
      return true;
    default:
      return false;
  }
}

function jump(reader: DwarfReader, distance: number): void {
  const to = reader.at + distance;
  if (to < 0 || to > reader.end) throw new RangeError("a branch leaves its expression");
  reader.at = to;
}

function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

function absolute(value: bigint): bigint {
  return signed(value) < 0n ? -signed(value) : value;
}
