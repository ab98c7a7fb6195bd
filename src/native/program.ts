import type { AddressRange } from "../bytes/address.ts";
import type { ExecutorEnd } from "../errors.ts";

/** A program in linked memory: everything that a C run-time's start file would call, in this order. */
export interface Program {
  /** Address of `int main(int argc, char **argv, char **envp)`. */
  main: number;
  /** main's arguments, the program's name first. */
  argv: string[];
  /** Called first (DT_INIT-like functions), without arguments. */
  initFunctions: number[];
  /** Arrays of addresses, called in order with (argc, argv, envp). */
  initArrays: AddressRange[];
  /** After main and the atexit handlers, each array backwards, the last array first. */
  finiArrays: AddressRange[];
  /** Called last, without arguments. */
  finiFunctions: number[];
  /** What the code passes to __cxa_atexit as its third argument; 0: none. */
  dsoHandle: number;
}

/** How a program ended: as the process that it ran in did. */
export type ProgramEnd = ExecutorEnd;
