import { availableParallelism } from "node:os";
import type { Contestant } from "./contestant.ts";
import { jitlinkContestants } from "./contestants/llvm-jitlink.ts";
import { corners, slablink, slablinkModes } from "./contestants/slablink.ts";
import { linkers } from "./contestants/static-linkers.ts";

/** The one whose benchmark this is: what it cannot do is an error. */
export const subject: Contestant = slablink;

/** What the others are compared with by default: the ancestor, with the same inputs in the same arrangement. */
export const DEFAULT_BASELINE = "llvm-jitlink shared";

/** Everybody. */
export const contestants: readonly Contestant[] = [
  slablink,
  ...slablinkModes,
  ...jitlinkContestants,
  ...linkers,
  ...corners(availableParallelism()),
];

/**
 * The contestant that is called so.
 * @throws Error that lists the names.
 */
export function contestantOf(name: string): Contestant {
  const found = contestants.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new Error(`no contestant is called '${name}'; there are ${contestants.map((each) => each.name).join("; ")}`);
}
