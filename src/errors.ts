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
  readonly file: string;
  constructor(file: string, detail: string) {
    super("format", `${file}: ${detail}`);
    this.file = file;
  }
}

/** Well-formed input that cannot be linked. */
export class LinkError extends SlablinkError {}

/** The executor could not be started, broke the protocol, or died. */
export class ExecutorError extends SlablinkError {
  constructor(message: string, options?: ErrorOptions) {
    super("executor", message, options);
  }
}
