import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { SharedLibrary } from "../../src/formats/elf/shared-library.ts";
import { LinkGraph } from "../../src/graph/link-graph.ts";
import { SymbolStringPool } from "../../src/graph/symbol-string-pool.ts";
import { OfferSet } from "../../src/orc/offer-set.ts";

type Methods = Record<string, (...words: unknown[]) => unknown>;

/** What is counted: each call is a step of work that takes about the same time however large the inputs are. */
const counted: readonly { readonly of: object; readonly methods: readonly string[] }[] = [
  { of: SymbolStringPool.prototype, methods: ["intern", "internString", "name", "startsWith"] },
  { of: LinkGraph.prototype, methods: ["symbolSize", "symbolName", "sectionName"] },
  { of: SharedLibrary.prototype, methods: ["symbolAt", "find"] },
  { of: ByteReader.prototype, methods: ["u32", "u64", "i64"] },
  { of: OfferSet.prototype, methods: ["add", "next", "delete"] },
];

/**
 * Number of calls of the linker's small functions while `run` goes on. Of a link whose time is linear it is linear as well, on every
 * machine and in every run; times are not.
 */
export async function countWork(run: () => unknown): Promise<number> {
  let count = 0;
  const undo: (() => void)[] = [];
  for (const { of, methods } of counted) {
    for (const method of methods) {
      const original = (of as Methods)[method]!;
      (of as Methods)[method] = function (this: unknown, ...words: unknown[]): unknown {
        count++;
        return original.apply(this, words);
      };
      undo.push(() => {
        (of as Methods)[method] = original;
      });
    }
  }
  try {
    await run();
  } finally {
    for (const each of undo) each();
  }
  return count;
}

/** Typed array that counts how often its elements are read. */
export function countingReads<T extends Int32Array>(array: T): { readonly array: T; readonly reads: () => number } {
  let reads = 0;
  const proxy = new Proxy(array, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) reads++;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { array: proxy, reads: () => reads };
}
