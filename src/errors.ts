/** What went wrong, for programs: every error of slablink carries one of these. */
export type ErrorCode =
  | "usage"
  | "file"
  | "format"
  | "undefined-symbol"
  | "duplicate-symbol"
  | "relocation"
  | "link"
  | "memory"
  | "protocol"
  | "executor";

/** Root of all errors that slablink raises on purpose; `message` is meant for people and names the file first. */
export class SlablinkError extends Error {
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The command line or an option is wrong (exit status 2). */
export class UsageError extends SlablinkError {
  constructor(message: string) {
    super("usage", message);
  }
}

/** Bytes are not what their format says: `file` is the path, with `(member)` behind it for an archive's member. */
export class ObjectFormatError extends SlablinkError {
  /** The path, with `(member)` behind it for an archive's member. */
  readonly file: string;
  constructor(file: string, detail: string) {
    super("format", `${file}: ${detail}`);
    this.file = file;
  }
}

/** Well-formed input that cannot be linked. */
export class LinkError extends SlablinkError {}

/** One frame of a backtrace, the innermost first. What is not known is absent. */
export interface CrashFrame {
  /** Where execution was, or for a caller where it is to go on; from 2^53 on the nearest number (`registers` has `rip` exactly). */
  readonly address: number;
  /** Demangled name of the function. */
  readonly function?: string;
  /** Bytes from the function's start. */
  readonly offset?: number;
  /** The linked object it is in (`main.o`, `libx.a(member.o)`), and its section. */
  readonly object?: string;
  /** The section in `object`. */
  readonly section?: string;
  /** The source line, as the debug information names the file. */
  readonly file?: string;
  /** The line in `source`, from 1 on. */
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
  /**
   * The address that the fault was about; undefined where there is none. From 2^53 on, where no program of x86-64 has memory, it is the
   * nearest number, up to 1,024 bytes away: `cause` has it exactly.
   */
  readonly address?: number;
  /** The executor's process and the thread in it. */
  readonly process: number;
  /** The thread that it came to. */
  readonly thread: number;
  /** The process that sent the signal, if one did. */
  readonly sender?: number;
  /** What happened, in words: `it read from 0x0, where nothing is mapped`. */
  readonly cause: string;
  /** `rip`, `rsp`, `rax`, … */
  readonly registers: Readonly<Record<string, bigint>>;
  /** Where that was, and who had called it, the innermost first. */
  readonly frames: readonly CrashFrame[];
  /** The last frame is the outermost; otherwise there are more than are listed, or the stack is broken there. */
  readonly isComplete: boolean;
}

/** How an executor's process ended, as far as that is known. */
export interface ExecutorEnd {
  /** Exit status, when it ended by exit(). */
  readonly status?: number;
  /** `SIGSEGV` and the like, when a signal ended it. */
  readonly signal?: string;
  /** What it told before it died of a crash. */
  readonly crash?: Crash;
}

/** The executor could not be started, broke the protocol, or died. */
export class ExecutorError extends SlablinkError {
  /** How its process ended; undefined when it has not, or nobody knows. */
  readonly end: ExecutorEnd | undefined;

  constructor(message: string, options?: ErrorOptions & { end?: ExecutorEnd }) {
    super("executor", message, options);
    this.end = options?.end;
  }

  /** The signal that ended the executor: `SIGSEGV`. */
  get signal(): string | undefined {
    return this.end?.signal ?? this.end?.crash?.signal;
  }

  /** The native backtrace of a crash, the innermost frame first; empty when there is none. */
  get frames(): readonly CrashFrame[] {
    return this.end?.crash?.frames ?? [];
  }
}
