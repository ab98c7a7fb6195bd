import type { Program, ProgramEnd } from "../native/program.ts";

/** A call made when memory is finalized or deallocated: a bootstrap symbol's name and its SPS arguments. */
export interface AllocAction {
  /** The bootstrap symbol's name. */
  readonly name: string;
  /** Its arguments in SPS. */
  readonly argument: Uint8Array;
}

/** What to call when memory is finalized, and what undoes it when it is deallocated. */
export interface AllocActionPair {
  /** Called behind the protections, in order. */
  readonly finalize?: AllocAction;
  /** Called when the memory is given back, the last first. */
  readonly dealloc?: AllocAction;
}

/** A shared object, linked at its final addresses inside a slab, for the executor's own dynamic loader. */
export interface ImageLoad {
  /** [start, start + size) lies in a slab and is given up to the image. */
  start: number;
  /** Bytes from `start` on. */
  size: number;
  /** The ELF file; or instead `sourceSize` bytes at `source`, an address in the slab whose memory holds it. */
  bytes?: Uint8Array;
  /** Address in the slab of the ELF file, in place of `bytes`. */
  source?: number;
  /** Bytes at `source`. */
  sourceSize?: number;
  /** Address of `resultCount` 64-bit words that the loader fills in by relocation, read after loading. */
  results: number;
  /** Number of words at `results`. */
  resultCount: number;
  /** In this process: libraries that come with the image look for names in it first, not in the executable. */
  bindsFirst?: boolean;
}

/** An image that the executor has loaded, until it is unloaded. */
export interface LoadedImage {
  /** For `unloadImage`. */
  handle: number;
  /** 64-bit words as signed numbers. */
  results: Float64Array;
}

export type { Program, ProgramEnd };

/** What crossed the connection so far: calls made, and bytes of whole frames. */
export interface ProtocolCounters {
  /** Calls made. */
  requests: number;
  /** Bytes of whole frames to the executor. */
  bytesSent: number;
  /** Bytes of whole frames from it. */
  bytesReceived: number;
}

/**
 * Executor Process Control: what the controller asks of the process that runs the code. Every promise rejects with a
 * SlablinkError; when the executor goes away, all that are pending do, with the reason.
 */
export interface ExecutorProcessControl {
  /** Whether the code runs in this process. */
  readonly kind: "in-process" | "remote";
  /** Bytes of a page of the executor's memory. */
  readonly pageSize: number;
  /** What it runs on, in LLVM's words: `x86_64-pc-linux-gnu`. */
  readonly triple: string;
  /** Names of the executor's wrapper functions and their addresses. */
  readonly bootstrap: ReadonlyMap<string, number>;
  /** What crossed the connection so far. */
  readonly counters: ProtocolCounters;
  /** Loads a shared library; 0 is the handle of the process itself (path ""). */
  openLibrary(path: string): Promise<number>;
  /** One request; 0 where a name is absent. */
  resolve(handle: number, names: readonly string[]): Promise<Float64Array>;
  /**
   * Calls a wrapper function by its bootstrap name with arguments in SPS; answers its result in SPS. Errors: ExecutorError where there is
   * none of that name, or the function refuses.
   */
  callWrapper(name: string, argument: Uint8Array): Promise<Uint8Array>;
  /** Hands a shared object to the executor's dynamic loader. */
  loadImage(image: ImageLoad): Promise<LoadedImage>;
  /** Undoes `loadImage`. */
  unloadImage(handle: number): Promise<void>;
  /** The process's exit in an executor; the return of main in-process. */
  runProgram(program: Program): Promise<ProgramEnd>;
  /** In another process: what it told when it crashed (crash-message.ts), and whether it is one of this machine's. */
  readonly crashMessage?: Uint8Array | undefined;
  /** Whether it is a process of this machine. */
  readonly isLocal?: boolean;
  /** In this process: the bytes at an address that is known to be mapped. */
  readMemory?(address: number, size: number): Uint8Array;
  /** In this process: whether a library is loaded already. */
  isLibraryLoaded?(path: string): boolean;
  /**
   * In an executor of somebody else's: file names of the libraries that it has loaded for itself, and bound to each other. Nothing that is loaded
   * later takes the place of what they define. slablink's own has only the C library, and copies of that one's variables.
   */
  readonly loadedLibraries?: ReadonlySet<string> | undefined;
  /** In this process: whether an address lies in the executable itself. */
  isInMainProgram?(address: number): boolean;
  /** Resolves when the executor is gone. */
  readonly ended: Promise<ProgramEnd>;
  /** Ends the executor and leaves nothing behind. */
  disconnect(): Promise<void>;
}
