import { readFileSync } from "node:fs";
import type { AddressRange } from "../bytes/address.ts";
import { libc } from "../host/libc.ts";
import { readPointer } from "../host/view.ts";
import { mapPages } from "./native-pages.ts";

/** What a program in this process is started with; `start` is its argv. All addresses. */
export interface ArgumentBlock extends AddressRange {
  /** The environment's pointers, behind those of argv. */
  readonly environment: number;
  /** Both function lists, each 0-ended. */
  readonly init: number;
  readonly fini: number;
}

/**
 * Lays a program's arguments out in pages of their own, as the kernel does on a process's stack (System V ABI AMD64,
 * section 3.4.1): argv, 0, the environment, 0, the auxiliary vector; here followed by the two function lists and by the
 * arguments' strings. Run-time systems walk from argv to the auxiliary vector (Go's).
 * @param environ address of the C library's `environ`, which should point to the new array then; its strings stay
 */
export function layOutArguments(
  argv: readonly string[],
  environ: number,
  init: readonly number[],
  fini: readonly number[],
): ArgumentBlock {
  const strings = argv.map((text) => Buffer.from(`${text}\0`));
  const environment = readEnvironment(environ);
  const auxiliary = readAuxiliaryVector();
  const environmentAt = 8 * (argv.length + 1);
  const auxiliaryAt = environmentAt + 8 * (environment.length + 1);
  const initAt = auxiliaryAt + auxiliary.length;
  const finiAt = initAt + 8 * (init.length + 1);
  const stringsAt = finiAt + 8 * (fini.length + 1);
  const size = strings.reduce((sum, bytes) => sum + bytes.length, stringsAt);
  const start = mapPages(size);

  const buffer = new Uint8Array(size);
  const view = new DataView(buffer.buffer);
  const putWords = (at: number, words: readonly number[]): void => {
    for (let i = 0; i < words.length; i++) view.setBigUint64(at + 8 * i, BigInt(words[i]), true);
  };
  let text = stringsAt;
  strings.forEach((bytes, i) => {
    putWords(8 * i, [start + text]);
    buffer.set(bytes, text);
    text += bytes.length;
  });
  putWords(environmentAt, environment);
  buffer.set(auxiliary, auxiliaryAt);
  putWords(initAt, init);
  putWords(finiAt, fini);
  libc.memcpy(start, buffer, size);
  return { start, end: start + size, environment: start + environmentAt, init: start + initAt, fini: start + finiAt };
}

/** The pointers in `environ`, which may be null. */
function readEnvironment(environ: number): number[] {
  const pointers: number[] = [];
  const array = readPointer(environ);
  if (array === 0) return pointers;
  for (let at = array; ; at += 8) {
    const pointer = readPointer(at);
    if (pointer === 0) return pointers;
    pointers.push(pointer);
  }
}

/** Pairs of words as the kernel gave them, ended by AT_NULL; only the end where /proc is not there. */
function readAuxiliaryVector(): Uint8Array {
  try {
    return readFileSync("/proc/self/auxv");
  } catch {
    return new Uint8Array(16);
  }
}
