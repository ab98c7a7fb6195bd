import { libc } from "./libc.ts";

/** personality(2): the kernel gives a new program the same layout each time, with its heap right behind its executable. */
const ADDR_NO_RANDOMIZE = 0x004_0000;
const ASK = 0xffff_ffff;

/** Programs started from here on (execve(2) by this process, children) have their heap as low as can be. Gives what undoes it. */
export function startWithLowHeap(): () => void {
  const before = libc.personality(ASK);
  libc.personality(before | ADDR_NO_RANDOMIZE);
  return () => void libc.personality(before);
}

/** Takes back what a process was started with, for the programs that it starts itself. */
export function endLowHeap(): void {
  libc.personality(libc.personality(ASK) & ~ADDR_NO_RANDOMIZE);
}
