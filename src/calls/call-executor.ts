/** The process that runs the code, as a call channel needs it. */
export interface CallExecutor {
  /** Ends the process at once; absent where that cannot be done: it is this one, or nobody's child. */
  readonly kill?: () => void;
  /** Why `kill` is not to be had, as the end of a sentence. */
  readonly whyNotKilled: string;
  /** The error that says how the process ended, if it has, found out without the event loop. */
  endNow(): Error | undefined;
  /** Resolves with that error when the process has ended. */
  readonly failed: Promise<Error>;
}
