/** One frame of a backtrace, the innermost first. What is not known is absent. */
export interface CrashFrame {
  /** Where execution was, or for a caller where it is to go on. */
  readonly address: number;
  /** Demangled name of the function. */
  readonly function?: string;
  /** Bytes from the function's start. */
  readonly offset?: number;
  /** The linked object it is in (`main.o`, `libx.a(member.o)`), and its section. */
  readonly object?: string;
  readonly section?: string;
  /** The source line, as the debug information names the file. */
  readonly file?: string;
  readonly line?: number;
  /** The shared library or executable it is in, where it is not linked code. */
  readonly library?: string;
}

/** How a process crashed, as it told before it died. */
export interface Crash {
  /** `SIGSEGV` and the like. */
  readonly signal: string;
  /** si_code, <signal.h>: why the signal came. */
  readonly code: number;
  /** The address that the fault was about; undefined where there is none. */
  readonly address?: number;
  /** The executor's process and the thread in it. */
  readonly process: number;
  readonly thread: number;
  /** The process that sent the signal, if one did. */
  readonly sender?: number;
  /** What happened, in words: `it read from 0x0, where nothing is mapped`. */
  readonly cause: string;
  /** `rip`, `rsp`, `rax`, … */
  readonly registers: Readonly<Record<string, bigint>>;
  readonly frames: readonly CrashFrame[];
  /** The last frame is the outermost; otherwise there are more than are listed, or the stack is broken there. */
  readonly isComplete: boolean;
}
