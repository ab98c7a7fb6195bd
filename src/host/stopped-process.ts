import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { koffi } from "./koffi.ts";
import { libc } from "./libc.ts";
import { type MappedRange, readMaps } from "./maps.ts";

// ptrace(2)
const PTRACE_DETACH = 17;
const PTRACE_SEIZE = 0x4206;
const PTRACE_INTERRUPT = 0x4207;
const PTRACE_GETREGSET = 0x4204;
const NT_PRSTATUS = 1;
const NT_X86_XSTATE = 0x202;
const PTRACE_EVENT_STOP = 128;
/** Waits for threads, too. */
const WALL = 0x4000_0000;
/** struct user_regs_struct: 27 words, of which rsp is the 20th. */
const REGISTERS = 27;
const STACK_POINTER = 19;
/** More than any processor's vector registers and what goes with them. */
const XSTATE_SIZE = 16 * 1024;
/** What a function may use below the stack pointer (psABI 3.2.2). */
const RED_ZONE = 128;
const PAGE = 4096;
/** From this size on, what has never been touched is looked up and left out. */
const SPARSE = 2 ** 20;
const CHUNK = 2 ** 20;

interface StoppedThread {
  readonly id: number;
  /** The signal that it was about to get. */
  readonly signal: number;
}

/** All threads of another process, stopped: their registers and the memory that they can write do not change meanwhile. */
export class StoppedProcess {
  readonly #pid: number;
  readonly #threads = new Map<number, StoppedThread>();
  readonly #memory: number;

  private constructor(pid: number, memory: number) {
    this.#pid = pid;
    this.#memory = memory;
  }

  /**
   * Stops a process of this user's, by ptrace(2), until `resume` is called: in the same turn, since a thread waits for its tracer. It notices
   * no more than that some system calls, such as epoll_wait, end with EINTR. undefined where that is not allowed.
   */
  static stop(pid: number): StoppedProcess | undefined {
    let memory: number;
    try {
      memory = openSync(`/proc/${pid}/mem`, "r");
    } catch {
      return undefined;
    }
    const process = new StoppedProcess(pid, memory);
    let isComplete = false;
    try {
      isComplete = process.#stopAll();
    } finally {
      if (!isComplete) process.resume();
    }
    return isComplete ? process : undefined;
  }

  /** Lets it go on. */
  resume(): void {
    for (const { id, signal } of this.#threads.values()) libc.ptrace(PTRACE_DETACH, id, 0, signal);
    this.#threads.clear();
    closeSync(this.#memory);
  }

  /** Calls `look` with the 64-bit words of all registers, of vector registers in pairs and more. */
  forEachRegisters(look: (words: BigUint64Array) => void): void {
    for (const { id } of this.#threads.values()) {
      look(this.#registers(id, NT_PRSTATUS, 8 * REGISTERS));
      look(this.#registers(id, NT_X86_XSTATE, XSTATE_SIZE));
    }
  }

  /**
   * Mappings that it can write, each without what has never been touched, and stacks from where they are in use. Addresses are multiples
   * of 8.
   */
  writableRanges(): { start: number; end: number }[] {
    const stacks = Array.from(this.#threads.keys(), (id) =>
      Number(this.#registers(id, NT_PRSTATUS, 8 * REGISTERS)[STACK_POINTER]!),
    );
    const ranges: { start: number; end: number }[] = [];
    for (const mapping of readMaps(this.#pid)) {
      if (mapping.permissions[1] !== "w" || mapping.path.startsWith("/dev/")) continue;
      const { end } = mapping;
      const inside = stacks.filter((pointer) => pointer >= mapping.start && pointer < end);
      // Of a mapping with one stack, what lies below is not in use.
      const lowest = inside.length === 1 && isStack(mapping) ? inside[0]! - RED_ZONE : mapping.start;
      const start = Math.max(mapping.start, lowest - (lowest % 8));
      if (end - start < SPARSE) ranges.push({ start, end });
      else for (const range of this.#touched(start, end)) ranges.push(range);
    }
    return ranges;
  }

  /** Calls `look` with the 32-bit words of a range, a part at a time, and the part's address. False when they cannot be read. */
  forEachWords(start: number, end: number, look: (words: Uint32Array, address: number) => void): boolean {
    const buffer = new Uint8Array(Math.min(CHUNK, end - start));
    for (let at = start; at < end; ) {
      let size: number;
      try {
        size = readSync(this.#memory, buffer, 0, Math.min(buffer.length, end - at), at);
      } catch {
        return false;
      }
      if (size < 8) return false;
      size -= size % 8;
      look(new Uint32Array(buffer.buffer, 0, size / 4), at);
      at += size;
    }
    return true;
  }

  #stopAll(): boolean {
    // A thread that runs may make others, until none runs.
    for (;;) {
      const fresh = readdirSync(`/proc/${this.#pid}/task`)
        .map(Number)
        .filter((id) => !this.#threads.has(id));
      if (fresh.length === 0) return this.#threads.size > 0;
      const seized = fresh.filter((id) => libc.ptrace(PTRACE_SEIZE, id, 0, 0) === 0);
      for (const id of seized) {
        libc.ptrace(PTRACE_INTERRUPT, id, 0, 0);
        const status = new Int32Array(1);
        if (libc.waitpid(id, new Uint8Array(status.buffer), WALL) !== id) continue;
        // WIFSTOPPED; otherwise it has ended.
        if ((status[0]! & 0xff) !== 0x7f) continue;
        const isSignal = status[0]! >> 16 !== PTRACE_EVENT_STOP;
        this.#threads.set(id, { id, signal: isSignal ? (status[0]! >> 8) & 0xff : 0 });
      }
      // Threads that have ended meanwhile are not there any more; others may not be stopped.
      if (seized.length < fresh.length && fresh.some((id) => !seized.includes(id) && isAlive(this.#pid, id)))
        return false;
    }
  }

  #registers(id: number, set: number, size: number): BigUint64Array {
    const words = new BigUint64Array(size / 8);
    const vector = new BigUint64Array([koffi().address(words), BigInt(size)]);
    if (libc.ptrace(PTRACE_GETREGSET, id, set, new Uint8Array(vector.buffer)) !== 0) return new BigUint64Array(0);
    return words.subarray(0, Number(vector[1]!) / 8);
  }

  /** The pages of a range that are there, by /proc/PID/pagemap: bit 63 of a page's word says present, bit 62 swapped. */
  #touched(start: number, end: number): { start: number; end: number }[] {
    const first = start - (start % PAGE);
    const words = new Uint32Array(2 * Math.ceil((end - first) / PAGE));
    try {
      const fd = openSync(`/proc/${this.#pid}/pagemap`, "r");
      try {
        readSync(fd, new Uint8Array(words.buffer), 0, words.byteLength, (first / PAGE) * 8);
      } finally {
        closeSync(fd);
      }
    } catch {
      return [{ start, end }];
    }
    const ranges: { start: number; end: number }[] = [];
    for (let page = 0; page < words.length / 2; page++) {
      if (words[2 * page + 1]! >>> 30 === 0) continue;
      const from = Math.max(start, first + PAGE * page);
      const to = Math.min(end, first + PAGE * (page + 1));
      const last = ranges.at(-1);
      if (last?.end === from) last.end = to;
      else ranges.push({ start: from, end: to });
    }
    return ranges;
  }
}

/** Stacks are anonymous memory. */
function isStack({ path, inode }: MappedRange): boolean {
  return inode === 0 && path !== "[heap]";
}

function isAlive(pid: number, id: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).includes(String(id));
  } catch {
    return false;
  }
}
