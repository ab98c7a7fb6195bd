// Why a signal came, in words: si_code (<signal.h>, sigaction(2)), and for x86 the exception and its error code (Intel SDM volume 3,
// chapter 6: 13 is general protection, 14 a page fault with bit 1 for writes and bit 4 for instruction fetches).

import { hex } from "../bytes/address.ts";
import type { CrashMessage } from "../epc/crash-message.ts";
import { type MappedRange, mappingAt } from "../host/maps.ts";

const PAGE_FAULT = 14;
const GENERAL_PROTECTION = 13;
const WRITE = 2;
const FETCH = 16;
/** The kernel's own, with no more precise reason. */
const SI_KERNEL = 0x80;

/** What is known when words are looked for. */
export interface CauseFacts {
  readonly message: CrashMessage;
  readonly signal: string;
  /** The message's address, as near as a number comes to it: to find what is there. */
  readonly address: number;
  readonly pc: number;
  readonly stackPointer: number;
  readonly mappings: readonly MappedRange[];
  /** The linked section or variable at an address, in words. */
  describe(address: number): string | undefined;
  /** Names of functions, the innermost first. */
  readonly functions: readonly string[];
}

const arithmetic: Record<number, string> = {
  1: "it divided an integer by zero, or the quotient is too large",
  2: "an integer overflowed",
  3: "it divided a floating-point number by zero",
  4: "a floating-point number became too large",
  5: "a floating-point number became too small",
  6: "a floating-point result is inexact",
  7: "a floating-point operation is invalid",
  8: "an array index is out of range",
};

const bus: Record<number, string> = {
  1: "the address is not aligned",
  2: "the mapped file or memory ends before",
  3: "the memory has an error",
  4: "the memory has an error",
  5: "the memory has an error",
};

/** One sentence without its subject's name and without a full stop. */
export function crashCause(facts: CauseFacts): string {
  const { message, signal, pc, address } = facts;
  if (message.code <= 0) return sentCause(facts);
  switch (signal) {
    case "SIGSEGV":
      return message.trap === GENERAL_PROTECTION || (message.code === SI_KERNEL && address === 0)
        ? "it used an address that no memory can have, or an operand that must be aligned and is not"
        : accessCause(facts);
    case "SIGBUS":
      return `${access(message)} ${hex(message.address)}: ${bus[message.code] ?? "there is no such memory"}`;
    case "SIGFPE":
      return arithmetic[message.code] ?? "an arithmetic operation has no result";
    case "SIGILL":
      return `there is no such instruction at ${hex(pc)}`;
    case "SIGTRAP":
      return "it ran into a trap instruction";
    case "SIGSYS":
      return "it made a system call that is not allowed";
    default:
      return `si_code ${message.code}`;
  }
}

function accessCause(facts: CauseFacts): string {
  const { message, address, stackPointer, mappings } = facts;
  if (message.trap === PAGE_FAULT && isStackOverflow(address, stackPointer, mappings)) {
    return `its stack has overflowed at ${hex(address)}`;
  }
  const mapping = mappingAt(mappings, address);
  const what = facts.describe(address);
  // Linked memory may be missing from the list.
  const isMapped = message.code !== 1 && (mapping !== undefined || what !== undefined);
  const place = isMapped ? `${refusal(message)}${what === undefined ? "" : ` (${what})`}` : "where nothing is mapped";
  return `${access(message)} ${hex(message.address)}, ${place}`;
}

function refusal({ error }: CrashMessage): string {
  if ((error & FETCH) !== 0) return "which holds no code";
  return (error & WRITE) !== 0 ? "which it may not write" : "which it may not read";
}

function access({ trap, error }: CrashMessage): string {
  if (trap !== PAGE_FAULT) return "it used";
  if ((error & FETCH) !== 0) return "it jumped to";
  return (error & WRITE) !== 0 ? "it wrote to" : "it read from";
}

/** How far below the stack's end a frame may reach, in bytes. */
const LARGEST_FRAME = 2 ** 26;
/** What lies below the stack pointer when a function is about to make its frame. */
const BELOW = 65536;

/**
 * The address is one that the stack would grow to: nothing that can be read lies between it and what is above the stack pointer, and the
 * program was at work there.
 */
function isStackOverflow(address: number, stackPointer: number, mappings: readonly MappedRange[]): boolean {
  if (address < stackPointer - BELOW || address > stackPointer + LARGEST_FRAME) return false;
  const isReadable = (at: number): boolean => mappingAt(mappings, at)?.permissions.startsWith("r") === true;
  if (isReadable(address)) return false;
  const above = mappings.find(({ end, permissions }) => end > address && permissions.startsWith("rw"));
  if (above === undefined || above.start < address || above.start - address > LARGEST_FRAME) return false;
  // In the middle of a stack the pointer stands in memory that can be read far below its upper end, and the address elsewhere.
  return stackPointer < above.start + BELOW;
}

function sentCause({ message, signal, functions }: CauseFacts): string {
  if (message.sender !== message.process) {
    return message.sender === 0 ? "somebody outside of its view sent it" : `process ${message.sender} sent it`;
  }
  if (signal !== "SIGABRT") return "it sent that to itself";
  const has = (...names: string[]): boolean => functions.some((each) => names.includes(each));
  if (has("__cxa_throw", "__cxa_rethrow", "_Unwind_Resume_or_Rethrow")) return "nobody caught a C++ exception";
  if (has("std::terminate()")) return "it called std::terminate()";
  if (has("__assert_fail", "__assert")) return "an assertion failed";
  if (has("__stack_chk_fail", "__stack_chk_fail_local")) return "a function found its part of the stack overwritten";
  if (has("abort")) return "it called abort()";
  return "it sent that to itself";
}
