// The instructions of call frame information, executed up to a place in the code (DWARF 5, section 6.4.2).

import { DwarfReader } from "./dwarf-reader.ts";
import type { CommonInformation, FrameDescription } from "./frame-description.ts";

/** Where the caller's value of a register is. */
export type RegisterRule =
  | { readonly kind: "undefined" }
  | { readonly kind: "same" }
  /** In memory, so far from the CFA; or that address itself is the value. */
  | { readonly kind: "offset" | "value-offset"; readonly offset: number }
  | { readonly kind: "register"; readonly register: number }
  | { readonly kind: "expression" | "value-expression"; readonly expression: Uint8Array };

/** The canonical frame address: what the stack pointer was before the call. */
export type CfaRule = { readonly register: number; readonly offset: number } | { readonly expression: Uint8Array };

/** The rules at one place of a function. */
export interface FrameRules {
  cfa: CfaRule | undefined;
  readonly registers: Map<number, RegisterRule>;
}

/** The rules that hold at code address `pc`. Throws RangeError for instructions that are broken. */
export function rulesAt(frame: FrameDescription, pc: number): FrameRules {
  const state: State = { location: frame.start, rules: { cfa: undefined, registers: new Map() }, stack: [] };
  execute(frame.common.instructions, frame.common, state, Number.POSITIVE_INFINITY, undefined);
  const initial = new Map(state.rules.registers);
  execute(frame.instructions, frame.common, state, pc, initial);
  return state.rules;
}

interface State {
  location: number;
  rules: FrameRules;
  readonly stack: FrameRules[];
}

/** No architecture has more registers, no compiler nests more states: what goes beyond is broken. */
const MOST_REGISTERS = 256;
const MOST_STATES = 64;

const HIGH_ADVANCE = 0x40;
const HIGH_OFFSET = 0x80;
const HIGH_RESTORE = 0xc0;

function execute(
  instructions: Uint8Array,
  common: CommonInformation,
  state: State,
  pc: number,
  initial: ReadonlyMap<number, RegisterRule> | undefined,
): void {
  const reader = new DwarfReader(instructions);
  const { codeAlignment, dataAlignment } = common;
  const set = (register: number, rule: RegisterRule): void => {
    if (register >= MOST_REGISTERS) throw new RangeError(`there is no register ${register}`);
    state.rules.registers.set(register, rule);
  };
  const restore = (register: number): void => {
    const rule = initial?.get(register);
    if (rule === undefined) state.rules.registers.delete(register);
    else set(register, rule);
  };
  const cfa = (change: { register?: number; offset?: number }): void => {
    const before = state.rules.cfa !== undefined && "register" in state.rules.cfa ? state.rules.cfa : undefined;
    state.rules.cfa = { register: before?.register ?? 0, offset: before?.offset ?? 0, ...change };
  };
  while (!reader.isAtEnd) {
    const byte = reader.u8();
    const low = byte & 0x3f;
    const high = byte & 0xc0;
    let advance: number | undefined;
    if (high === HIGH_ADVANCE) advance = low;
    else if (high === HIGH_OFFSET) set(low, { kind: "offset", offset: reader.count() * dataAlignment });
    else if (high === HIGH_RESTORE) restore(low);
    else {
      switch (byte) {
        case 0x00: // DW_CFA_nop
          break;
        case 0x02: // DW_CFA_advance_loc1
          advance = reader.u8();
          break;
        case 0x03: // DW_CFA_advance_loc2
          advance = reader.u16();
          break;
        case 0x04: // DW_CFA_advance_loc4
          advance = reader.u32();
          break;
        case 0x05: // DW_CFA_offset_extended
          set(reader.count(), { kind: "offset", offset: reader.count() * dataAlignment });
          break;
        case 0x06: // DW_CFA_restore_extended
          restore(reader.count());
          break;
        case 0x07: // DW_CFA_undefined
          set(reader.count(), { kind: "undefined" });
          break;
        case 0x08: // DW_CFA_same_value
          set(reader.count(), { kind: "same" });
          break;
        case 0x09: // DW_CFA_register
          set(reader.count(), { kind: "register", register: reader.count() });
          break;
        case 0x0a: // DW_CFA_remember_state
          if (state.stack.length === MOST_STATES) throw new RangeError("too many states");
          state.stack.push({ cfa: state.rules.cfa, registers: new Map(state.rules.registers) });
          break;
        case 0x0b: // DW_CFA_restore_state
          state.rules = state.stack.pop() ?? state.rules;
          break;
        case 0x0c: // DW_CFA_def_cfa
          cfa({ register: reader.count(), offset: reader.count() });
          break;
        case 0x0d: // DW_CFA_def_cfa_register
          cfa({ register: reader.count() });
          break;
        case 0x0e: // DW_CFA_def_cfa_offset
          cfa({ offset: reader.count() });
          break;
        case 0x0f: // DW_CFA_def_cfa_expression
          state.rules.cfa = { expression: reader.block(reader.count()) };
          break;
        case 0x10: // DW_CFA_expression
          set(reader.count(), { kind: "expression", expression: reader.block(reader.count()) });
          break;
        case 0x11: // DW_CFA_offset_extended_sf
          set(reader.count(), { kind: "offset", offset: reader.signedCount() * dataAlignment });
          break;
        case 0x12: // DW_CFA_def_cfa_sf
          cfa({ register: reader.count(), offset: reader.signedCount() * dataAlignment });
          break;
        case 0x13: // DW_CFA_def_cfa_offset_sf
          cfa({ offset: reader.signedCount() * dataAlignment });
          break;
        case 0x14: // DW_CFA_val_offset
          set(reader.count(), { kind: "value-offset", offset: reader.count() * dataAlignment });
          break;
        case 0x15: // DW_CFA_val_offset_sf
          set(reader.count(), { kind: "value-offset", offset: reader.signedCount() * dataAlignment });
          break;
        case 0x16: // DW_CFA_val_expression
          set(reader.count(), { kind: "value-expression", expression: reader.block(reader.count()) });
          break;
        case 0x2e: // DW_CFA_GNU_args_size
          reader.count();
          break;
        case 0x2f: // DW_CFA_GNU_negative_offset_extended
          set(reader.count(), { kind: "offset", offset: -reader.count() * dataAlignment });
          break;
        default:
          throw new RangeError(`unknown call frame instruction ${byte}`);
      }
    }
    if (advance === undefined) continue;
    state.location += advance * codeAlignment;
    if (state.location > pc) return;
  }
}
