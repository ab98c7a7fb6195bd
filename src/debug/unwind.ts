// Walks from the registers of a crash to the callers, over a copy of the stack. x86-64: psABI 3.2.2 for the frame, 3.6.2 for the
// numbers of the registers in call frame information.

import { evaluate } from "./expression.ts";
import type { FrameDescription } from "./frame-description.ts";
import { type RegisterRule, rulesAt } from "./frame-rules.ts";

const FRAME_POINTER = 6;
const STACK_POINTER = 7;
const INSTRUCTION_POINTER = 16;

/** What the walk has to know about the process. */
export interface UnwindContext {
  /** The 64-bit word at an address of the stack, if it was copied. */
  memory(address: bigint): bigint | undefined;
  /** The description of the frame of the code at `pc`. */
  frame(pc: number): FrameDescription | undefined;
  /** Whether there is code at an address: a caller must have some. */
  isCode(pc: number): boolean;
}

/** A place in the code, the innermost first. */
export interface Place {
  readonly pc: number;
  /** Where a call returns to: the call itself is before it. */
  readonly isReturn: boolean;
  /** No function of the program's: where the kernel lets a signal handler return to. */
  isTrampoline?: boolean;
}

/** The places from the inside out. */
export interface Walk {
  readonly places: Place[];
  /** The last place is the outermost there is: it says itself that nobody called it. */
  readonly isComplete: boolean;
}

type Registers = (bigint | undefined)[];

/** At most `limit` places; the first is where the registers are. */
export function unwind(registers: readonly bigint[], context: UnwindContext, limit: number): Walk {
  let current: Registers = [...registers];
  const places: Place[] = [];
  let isReturn = false;
  while (places.length < limit) {
    const pc = Number(current[INSTRUCTION_POINTER] ?? 0n);
    if (places.length > 0 && !context.isCode(pc - (isReturn ? 1 : 0))) return { places, isComplete: pc === 0 };
    places.push({ pc, isReturn });
    const next = step(current, pc - (isReturn ? 1 : 0), pc, context, places.length === 1);
    if (next === undefined) break;
    if (next === "outermost") return { places, isComplete: true };
    if (next.isSignalFrame) places.at(-1)!.isTrampoline = true;
    // The stack of a caller lies above; only a signal handler may have had another one.
    const [sp, nextSp] = [current[STACK_POINTER] ?? 0n, next.registers[STACK_POINTER] ?? 0n];
    if (nextSp <= sp && !next.isSignalFrame) break;
    current = next.registers;
    isReturn = !next.isSignalFrame;
  }
  return { places, isComplete: false };
}

interface Step {
  readonly registers: Registers;
  readonly isSignalFrame: boolean;
}

function step(
  registers: Registers,
  lookUp: number,
  pc: number,
  context: UnwindContext,
  isFirst: boolean,
): Step | "outermost" | undefined {
  // A trampoline begins with its first instruction: what returns to it is never a call's.
  const frame = quietly(() => context.frame(lookUp)) ?? quietly(() => signalFrame(context, pc));
  if (frame !== undefined) return quietly(() => byRules(registers, frame, lookUp, context));
  const returns = (address: bigint): Registers | undefined => withReturn(registers, address, context);
  // A jump to nowhere, and a stub, have done no more than the call.
  const atEntry = isFirst ? returns(registers[STACK_POINTER] ?? 0n) : undefined;
  const next = atEntry ?? byFramePointer(registers, context);
  return next === undefined ? undefined : { registers: next, isSignalFrame: false };
}

function signalFrame(context: UnwindContext, pc: number): FrameDescription | undefined {
  const frame = context.frame(pc);
  return frame?.common.isSignalFrame ? frame : undefined;
}

function byRules(
  registers: Registers,
  frame: FrameDescription,
  pc: number,
  context: UnwindContext,
): Step | "outermost" | undefined {
  const rules = rulesAt(frame, pc);
  const expressions = { register: (number: number) => registers[number], memory: context.memory };
  if (rules.cfa === undefined) return undefined;
  const base = "register" in rules.cfa ? registers[rules.cfa.register] : undefined;
  const cfa =
    "expression" in rules.cfa
      ? evaluate(rules.cfa.expression, expressions)
      : base !== undefined
        ? BigInt.asUintN(64, base + BigInt(rules.cfa.offset))
        : undefined;
  if (cfa === undefined) return undefined;
  const callerValue = (register: number, rule: RegisterRule): bigint | undefined => {
    switch (rule.kind) {
      case "undefined":
        return undefined;
      case "same":
        return registers[register];
      case "offset":
        return context.memory(BigInt.asUintN(64, cfa + BigInt(rule.offset)));
      case "value-offset":
        return BigInt.asUintN(64, cfa + BigInt(rule.offset));
      case "register":
        return registers[rule.register];
      case "expression": {
        const address = evaluate(rule.expression, expressions, cfa);
        return address === undefined ? undefined : context.memory(address);
      }
      case "value-expression":
        return evaluate(rule.expression, expressions, cfa);
    }
  };
  const next: Registers = [...registers];
  next[STACK_POINTER] = cfa;
  next[INSTRUCTION_POINTER] = undefined;
  for (const [register, rule] of rules.registers) {
    const number = register === frame.common.returnRegister ? INSTRUCTION_POINTER : register;
    if (number <= INSTRUCTION_POINTER) next[number] = callerValue(register, rule);
  }
  if (rules.registers.get(frame.common.returnRegister)?.kind === "undefined") return "outermost";
  if (next[INSTRUCTION_POINTER] === undefined) return undefined;
  return { registers: next, isSignalFrame: frame.common.isSignalFrame };
}

/** After a return through the address that is stored there, if that leads to code. */
function withReturn(registers: Registers, at: bigint, context: UnwindContext): Registers | undefined {
  const address = context.memory(at);
  if (address === undefined || address > BigInt(Number.MAX_SAFE_INTEGER) || !context.isCode(Number(address) - 1)) {
    return undefined;
  }
  const next = [...registers];
  next[INSTRUCTION_POINTER] = address;
  next[STACK_POINTER] = at + 8n;
  return next;
}

/** Code without call frame information may have kept the frame pointer: the caller's lies there, the return address above it. */
function byFramePointer(registers: Registers, context: UnwindContext): Registers | undefined {
  const pointer = registers[FRAME_POINTER];
  if (pointer === undefined || pointer < (registers[STACK_POINTER] ?? 0n)) return undefined;
  const next = withReturn(registers, pointer + 8n, context);
  if (next !== undefined) next[FRAME_POINTER] = context.memory(pointer);
  return next;
}

/** Broken frame information is none. */
function quietly<T>(work: () => T | undefined): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
