import type { Program } from "./case.ts";
import type { Requirement } from "./requirements.ts";

/** How a contestant goes about one program. */
export interface Attempt {
  /** Command lines, an absolute path first, that run one after the other. Of two, the first links and the second is what it linked. */
  readonly commands: readonly (readonly string[])[];
  readonly stdout: string;
  /** What the report must say: in which way this is not the same work as the others'. */
  readonly note?: string;
  /** What outlives the one command is the executor; else it is part of what links. */
  readonly executorIsOrphan?: boolean;
  /** Does the same, and writes `slablink run --stats=json`'s object as the last line on standard error. */
  readonly withStatistics?: readonly string[];
}

/** One way to link and run a program. */
export interface Contestant {
  readonly name: string;
  readonly requirements: readonly Requirement[];
  /** Takes part only with --all, or when it is asked for by name. */
  readonly optional?: boolean;
  /** May write files into the directory; not measured. */
  attempt(program: Program, directory: string): Attempt;
  /** Another way after one that failed with this on standard error; undefined when there is none. */
  retry?(program: Program, directory: string, stderr: string): Attempt | undefined;
}
