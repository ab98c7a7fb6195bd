import { libc } from "./libc.ts";

const RUSAGE_CHILDREN = -1;
/** sizeof(struct rusage): two struct timeval and fourteen longs (getrusage(2)). */
export const RUSAGE_SIZE = 144;

/** User and system time of a struct rusage, in ms: ru_utime and ru_stime are its first two members, seconds and µs each. */
export function processorTimeOf(usage: Uint8Array): number {
  const view = new DataView(usage.buffer, usage.byteOffset);
  const milliseconds = (at: number): number =>
    1000 * Number(view.getBigInt64(at, true)) + Number(view.getBigInt64(at + 8, true)) / 1000;
  return milliseconds(0) + milliseconds(16);
}

/** User and system time, in ms, of all children that have ended and been waited for, and of theirs. */
export function childrenProcessorTime(): number {
  const usage = new Uint8Array(RUSAGE_SIZE);
  libc.getrusage(RUSAGE_CHILDREN, usage); // fails for nothing but wrong arguments
  return processorTimeOf(usage);
}
