import type { Reach } from "../epc/reach.ts";
import type { InputItem } from "../inputs/input.ts";
import type { Tasks } from "../memory/slab-memory-manager.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { PhaseTime } from "./link-times.ts";
import type { ReplaceableObjects } from "./replace/replaceable-objects.ts";

/** Which executor is wanted, and how contents get into it. */
export interface TargetRequest {
  /** In a process of its own, or in this one. */
  readonly mode: "executor" | "in-process";
  /** The executor program; the package's own by default. */
  readonly executorPath?: string;
  /** An executor that somebody else starts, in place of a child of this process. */
  readonly reach?: Reach;
  /** `memory: "shared"` was asked for: where that cannot be, an error rather than messages. Only with `reach`. */
  readonly mustShare?: boolean;
  /**
   * `shared`: contents lie in memory shared with the executor; `rpc`: they travel in messages; `rpc-per-object`: and each
   * object is reserved and finalized by itself, as LLVM's generic memory manager does.
   */
  readonly memory: "shared" | "rpc" | "rpc-per-object";
  /** Whether memory is allocated in the asker's turn or answered by a task of its own (the default). */
  readonly tasks?: Tasks;
  /** Size of the slab in bytes. */
  readonly slabSize?: number;
  /** Where slabs are reserved. */
  readonly placement: "low" | "near-libc" | "anywhere";
  /** Executors are started alike: what lies where is the same in each, as far as the kernel can do that. */
  readonly fixedLayout?: boolean;
  /** The caller ends this process right after the program: giving back mappings (5 to 10 ms) is left to the kernel. */
  readonly endsProcess?: boolean;
  /** Records all of it. */
  readonly trace?: Tracer;
  /**
   * Called when the executor is there; `kill` sends it a signal, or its process group, and does nothing after its end. `group`: whether
   * the executor is in this process's group, which a terminal sends its signals to, or in its own.
   */
  onExecutor?(kill: (signal: NodeJS.Signals, group?: boolean) => void, group: "shared" | "own"): void;
}

/** All that is needed to link a program and run it. */
export interface RunRequest extends TargetRequest {
  /** In the order of the command line. */
  readonly items: readonly InputItem[];
  /** The `-L` directories; the system's own follow them without being named here. */
  readonly libraryDirectories: readonly string[];
  /** Threads that may work on the link, this one included; by default as many as pay. */
  readonly threads?: number;
  /** Name of the function to call as `int main(int argc, char **argv, char **envp)`. */
  readonly entry: string;
  /** The program's arguments, `argv[0]` first. */
  readonly argv: readonly string[];
  /** Symbols defined as plain addresses. */
  readonly absolutes: readonly (readonly [name: string, address: number])[];
  /** `[new name, name it stands for]`. */
  readonly aliases: readonly (readonly [alias: string, target: string])[];
  /** Whether what the inputs leave undefined may come from the process itself. */
  readonly processSymbols: boolean;
  /** Ends with status 0 where the program would begin. */
  readonly linkOnly?: boolean;
  /** How sources among the inputs are compiled. */
  readonly compile?: {
    /** Behind those of CFLAGS and CXXFLAGS. */
    readonly flags?: readonly string[];
    /** Is told which files a source consists of: itself, and what it includes but for the system's headers. */
    readonly onDependencies?: (source: string, files: readonly string[]) => void;
  };
  /**
   * Called once, when everything is linked and before the program runs: the objects and sources among the inputs are linked so that they
   * can be replaced meanwhile (docs/replacement.md).
   */
  onReplaceable?(objects: ReplaceableObjects): void;
  /** Called once, when everything is linked and before the first instruction of the program runs. */
  onLinked?(stats: LinkStats): void;
  /** Called before `onLinked` for each thing that inputs get although it weakens the process: a sentence without its end. */
  onWarning?(text: string): void;
  /** Called before this process does something from which it may not come back: runs the program, begins anew by execve(2). */
  onLeave?(): void;
}

/** How contents get into an executor's memory; with the reason, where memory cannot be shared. */
export interface MemoryUse {
  /** `TargetRequest.memory` has what each means. */
  readonly kind: "shared" | "rpc" | "rpc-per-object";
  /** Why memory cannot be shared, where that was wanted. */
  readonly reason?: string;
}

/** What one link did. */
export interface LinkStats {
  /** In the order in which they ran. */
  readonly phases: readonly Readonly<PhaseTime>[];
  /** Objects that became part of the program, members of archives included. */
  readonly objects: number;
  /** Archives that were read. */
  readonly archives: number;
  /** Of all objects. */
  readonly sections: number;
  /** Of all objects. */
  readonly symbols: number;
  /** Relocation entries that were applied. */
  readonly relocations: number;
  /** Bytes of contents. */
  readonly bytesCopied: number;
  /** Requests to the executor. */
  readonly requests: number;
  /** To the executor. */
  readonly bytesSent: number;
  /** From the executor. */
  readonly bytesReceived: number;
  /** Mappings of linked code and data in the executor. */
  readonly mappings: number;
  /** Times that the executor changed the protection of a mapping. */
  readonly protectionChanges: number;
  /** The memory that it was linked into. */
  readonly slab: {
    /** In the executor. */
    readonly address: number;
    /** Bytes of address space. */
    readonly size: number;
    /** Bytes given to jobs. */
    readonly used: number;
  };
  /** Symbols that shared libraries or the process defined. */
  readonly externals: number;
  /** Shared libraries that were opened for the program. */
  readonly libraries: readonly string[];
  /** Of an executor that somebody else has started. */
  readonly memory?: MemoryUse;
}
