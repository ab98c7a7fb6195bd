/**
 * Repeats something `count` times and gives what that took in nanoseconds, without what had to be made ready in between. Errors: an Error when
 * a result is not what it must be.
 */
export type Repeat = (count: number) => number | Promise<number>;

/** Both sides of a contest, ready to run. */
export interface Sides {
  readonly own: Repeat;
  /** Without one the contest has a limit alone. */
  readonly peer?: Repeat;
  /** Ends processes and sessions. */
  close(): Promise<void> | void;
}

/** One row of the table: slablink against a peer that does the same work, in turn. */
export interface Contest {
  /** What slablink does. */
  readonly name: string;
  /** What it is compared with; empty if with nothing. */
  readonly against: string;
  /** Of the ratio to the peer, at most. */
  readonly ratio?: number;
  /** Of slablink's own time, in ms, at most. */
  readonly limit?: number;
  /** Files go into `directory`. */
  prepare(directory: string): Promise<Sides>;
}
