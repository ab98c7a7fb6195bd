import type { AddressRange } from "../../bytes/address.ts";
import type { ExecutorProcessControl } from "../../epc/executor-process-control.ts";
import { StoppedProcess } from "../../host/stopped-process.ts";

/** More memory is not looked through: the program would stand still for longer than a tenth of a second. */
const MOST = 128 * 2 ** 20;

/**
 * Which of the address ranges something in the executor refers to: a register of a thread, or a word of the memory that it can write,
 * whatever the word means. Ranges do not speak for themselves. Its threads stand still meanwhile. undefined where that cannot be found out: in this
 * process, on another machine, where ptrace(2) is not allowed, with too much memory.
 */
export function findReferences(
  epc: ExecutorProcessControl & { readonly pid?: number | undefined },
  ranges: readonly (readonly AddressRange[])[],
): boolean[] | undefined {
  if (epc.kind === "in-process" || epc.pid === undefined || ranges.length === 0) return undefined;
  const process = StoppedProcess.stop(epc.pid);
  if (process === undefined) return undefined;
  try {
    return new Search(ranges).search(process);
  } finally {
    process.resume();
  }
}

/** Ranges of all owners in ascending order. */
class Search {
  readonly #starts: number[];
  readonly #ends: number[];
  readonly #owners: number[];
  readonly #referred: boolean[];
  readonly #low: number;
  readonly #high: number;

  constructor(ranges: readonly (readonly AddressRange[])[]) {
    const all = ranges.flatMap((own, owner) => own.map(({ start, end }) => ({ start, end, owner })));
    all.sort((a, b) => a.start - b.start);
    this.#starts = all.map(({ start }) => start);
    this.#ends = all.map(({ end }) => end);
    this.#owners = all.map(({ owner }) => owner);
    this.#referred = ranges.map(() => false);
    this.#low = this.#starts[0] ?? 0;
    this.#high = Math.max(0, ...this.#ends);
  }

  search(process: StoppedProcess): boolean[] | undefined {
    process.forEachRegisters((words) => {
      for (const word of words) this.#note(Number(word), -1);
    });
    const writable = process.writableRanges();
    if (writable.reduce((sum, { start, end }) => sum + end - start, 0) > MOST) return undefined;
    for (const { start, end } of writable) {
      if (!process.forEachWords(start, end, (words, address) => this.#look(words, address))) return undefined;
    }
    return this.#referred;
  }

  #look(words: Uint32Array, address: number): void {
    const [low, high] = [this.#low, this.#high];
    const [lowest, highest] = [Math.floor(low / 2 ** 32), Math.floor(high / 2 ** 32)];
    for (let i = 0; i < words.length; i += 2) {
      const upper = words[i + 1]!;
      if (upper < lowest || upper > highest) continue;
      const value = upper * 2 ** 32 + words[i]!;
      if (value >= low && value < high) this.#note(value, address + 4 * i);
    }
  }

  #note(value: number, at: number): void {
    const index = this.#indexOf(value);
    if (index < 0) return;
    const owner = this.#owners[index]!;
    const from = at < 0 ? -1 : this.#indexOf(at);
    if (from < 0 || this.#owners[from] !== owner) this.#referred[owner] = true;
  }

  /** Index of the range that holds an address, or -1. */
  #indexOf(address: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address < this.#ends[low - 1]! ? low - 1 : -1;
  }
}
