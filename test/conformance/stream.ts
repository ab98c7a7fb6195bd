import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../support/workspace.ts";

/*
 * Streams of frames as text. A file holds cases; each line of one is
 *
 *   case MESSAGE | FORM       its name, two cells of the table in docs/
 *   > call SEQ TAG BYTES…     a frame that the test sends: call, result, hangup, setup; or `bytes` for anything else
 *   < result SEQ BYTES…       a frame that has to come back, in any order among those between two sends
 *   end STATUS                the test closes the stream: how the other side ends then
 *   dies STATUS               how it ends by itself; `failure` is any status but 0
 *   says TEXT                 what is in its last words
 *   note TEXT                 the table's result, where the sides differ
 *   like N                    the first N lines of the file's first case
 *
 * `>`, `<`, end, dies and says may be followed by /slablink or /llvm: only for that side.
 *
 * Bytes are hexadecimal digits, or
 *
 *   u64:N u32:N u8:N          numbers, little-endian         @NAME      address of a bootstrap symbol
 *   str:TEXT                  Sequence<char>                 $name      an address that an answer brought (the first time that
 *   [ BYTES… ]                Sequence<char> of those                   it is expected) or `$name+N`
 *   text                      any String (expected only)     …          anything up to the end (expected only)
 *   symbols                   Sequence<(String, Addr)> of all that there are
 */

export type Side = "slablink" | "llvm";

export interface Step {
  readonly verb: ">" | "<" | "end" | "dies" | "says";
  readonly side: Side | undefined;
  readonly words: readonly string[];
}

export interface Case {
  readonly message: string;
  readonly form: string;
  readonly note: string | undefined;
  readonly steps: readonly Step[];
}

export function readCases(name: string): Case[] {
  const cases: { message: string; form: string; note: string | undefined; steps: Step[] }[] = [];
  for (const line of readFileSync(join(packageRoot, "test/conformance", name), "utf8").split("\n")) {
    const [head, ...words] = line.trim().split(/\s+/);
    if (head === "" || head.startsWith("#")) continue;
    const rest = words.join(" ");
    if (head === "case") {
      const [message, form] = rest.split(" | ");
      cases.push({ message, form, note: undefined, steps: [] });
      continue;
    }
    const current = cases[cases.length - 1];
    if (head === "note") {
      current.note = rest;
      continue;
    }
    if (head === "like") {
      current.steps.push(...cases[0].steps.slice(0, Number(rest)));
      continue;
    }
    const [, verb, side] = /^(>|<|end|dies|says)(?:\/(slablink|llvm))?$/.exec(head) ?? [];
    if (verb === undefined) throw new Error(`${name}: "${line}" starts with no known word`);
    current.steps.push({ verb: verb as Step["verb"], side: side as Side | undefined, words });
  }
  return cases;
}

const prefixes: Record<string, string> = {
  "D:": "__llvm_orc_SimpleExecutorDylibManager_",
  "M:": "__llvm_orc_SimpleExecutorMemoryManager_",
  "B:": "__llvm_orc_bootstrap_",
  "E:": "__llvm_orc_SimpleRemoteEPC_",
};

/** What names and variables stand for in one session. */
export interface Session {
  symbols: ReadonlyMap<string, bigint>;
  readonly variables: Map<string, bigint>;
}

const number = (value: bigint, size: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes.subarray(0, size);
};

function addressOf(word: string, { symbols, variables }: Session): bigint {
  if (word.startsWith("@")) {
    const prefix = word.slice(1, 3);
    const name = prefix in prefixes ? prefixes[prefix] + word.slice(3) : word.slice(1);
    const address = symbols.get(name);
    if (address === undefined) throw new Error(`the executor has no ${name}`);
    return address;
  }
  const [name, offset = "0"] = word.slice(1).split("+");
  const base = variables.get(name);
  if (base === undefined) throw new Error(`nothing has brought $${name} yet`);
  return base + BigInt(offset);
}

const sequence = (bytes: Buffer): Buffer => Buffer.concat([number(BigInt(bytes.length), 8), bytes]);

function encodeSymbols(symbols: ReadonlyMap<string, bigint>): Buffer {
  const entries = [...symbols].map(([name, address]) => [sequence(Buffer.from(name)), number(address, 8)]);
  return Buffer.concat([number(BigInt(symbols.size), 8), ...entries.flat()]);
}

/** The bytes that words stand for. */
export function encode(words: readonly string[], session: Session): Buffer {
  const open: Buffer[][] = [[]];
  for (const word of words) {
    const [, bits, value] = /^u(64|32|8):(.+)$/.exec(word) ?? [];
    const top = open[open.length - 1];
    if (word === "[") open.push([]);
    else if (word === "symbols") top.push(encodeSymbols(session.symbols));
    else if (word === "]") {
      const inner = Buffer.concat(open.pop()!);
      open[open.length - 1].push(sequence(inner));
    } else if (bits !== undefined) top.push(number(BigInt(value), Number(bits) / 8));
    else if (word.startsWith("@") || word.startsWith("$")) top.push(number(addressOf(word, session), 8));
    else if (word.startsWith("str:")) top.push(sequence(Buffer.from(word.slice(4), "latin1")));
    else if (/^([0-9a-f]{2})+$/.test(word)) top.push(Buffer.from(word, "hex"));
    else throw new Error(`"${word}" stands for no bytes`);
  }
  return Buffer.concat(open[0]);
}

/** Words one by one, but those between brackets together. */
function grouped(words: readonly string[]): string[][] {
  const groups: string[][] = [];
  let depth = 0;
  for (const word of words) {
    if (depth > 0) groups[groups.length - 1].push(word);
    else groups.push([word]);
    depth += word === "[" ? 1 : word === "]" ? -1 : 0;
  }
  return groups;
}

/** What is wrong with the bytes, or undefined if they are what the words say; binds variables. */
export function mismatch(words: readonly string[], bytes: Buffer, session: Session): string | undefined {
  let at = 0;
  for (const group of grouped(words)) {
    const [word] = group;
    if (word === "…") return undefined;
    if (word === "text") {
      if (bytes.length < at + 8) return `at ${at}: a String expected`;
      at += 8 + Number(bytes.readBigUInt64LE(at));
      continue;
    }
    const fresh = word.startsWith("$") && !session.variables.has(word.slice(1));
    if (fresh && bytes.length >= at + 8) session.variables.set(word.slice(1), bytes.readBigUInt64LE(at));
    const expected = encode(group, session);
    const actual = bytes.subarray(at, at + expected.length);
    if (!actual.equals(expected)) return `at ${at}: ${actual.toString("hex")}, expected ${group.join(" ")}`;
    at += expected.length;
  }
  return at === bytes.length ? undefined : `${bytes.length} bytes, expected ${at}`;
}

const opcodes: Record<string, bigint> = { setup: 0n, hangup: 1n, result: 2n, call: 3n };

/** A frame of a `>` line. */
export function encodeStep([kind, ...words]: readonly string[], session: Session): Buffer {
  if (kind === "bytes") return encode(words, session);
  const numbered = kind === "call" || kind === "result";
  const sequence = numbered ? BigInt(words.shift()!) : 0n;
  const tag = kind === "call" ? encode([words.shift()!], session) : number(0n, 8);
  const payload = encode(words, session);
  return Buffer.concat([
    number(BigInt(32 + payload.length), 8),
    number(opcodes[kind], 8),
    number(sequence, 8),
    tag,
    payload,
  ]);
}

export interface Frame {
  readonly opcode: bigint;
  readonly sequence: bigint;
  readonly tag: Buffer;
  readonly payload: Buffer;
}

/** The complete frames at the start of the bytes, and what is left of them. */
export function splitFrames(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let rest = bytes;
  while (rest.length >= 32 && BigInt(rest.length) >= rest.readBigUInt64LE(0)) {
    const size = Number(rest.readBigUInt64LE(0));
    frames.push({
      opcode: rest.readBigUInt64LE(8),
      sequence: rest.readBigUInt64LE(16),
      tag: rest.subarray(24, 32),
      payload: rest.subarray(32, size),
    });
    rest = rest.subarray(size);
  }
  return { frames, rest };
}

/** Whether a frame is the one that a `<` line expects, by kind and number. */
export function isFor([kind, sequence]: readonly string[], frame: Frame): boolean {
  return (
    frame.opcode === opcodes[kind] && (kind === "hangup" || kind === "setup" || frame.sequence === BigInt(sequence))
  );
}

/** What is wrong with it then. */
export function wrongFrame([kind, ...words]: readonly string[], frame: Frame, session: Session): string | undefined {
  const expected = kind === "call" ? words.slice(1) : ["u64:0", ...words.slice(kind === "result" ? 1 : 0)];
  return mismatch(expected, Buffer.concat([frame.tag, frame.payload]), session);
}

/** The same bytes in the pieces that a case is played in. */
export const fragmentations: Record<string, (bytes: Buffer) => Buffer[]> = {
  "in one piece": (bytes) => [bytes],
  "byte by byte": (bytes) => Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
  "split in each header": (bytes) => {
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 13) pieces.push(bytes.subarray(at, at + 13));
    return pieces;
  },
};
