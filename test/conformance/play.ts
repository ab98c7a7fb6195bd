import assert from "node:assert/strict";
import type { Readable, Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import {
  type Case,
  encodeStep,
  type Frame,
  isFor,
  type Session,
  type Side,
  splitFrames,
  wrongFrame,
} from "./stream.ts";

/** Longest that an answer may take, in ms. */
const LIMIT = 20_000;

/** How a side under test has ended: its status, as a shell shows it, and its last words. */
export interface Ending {
  readonly status: number;
  readonly words: string;
}

/** A side under test's ways in and out; one socket may be both. */
interface Streams {
  readonly input: Writable;
  readonly output: Readable;
}

/** A side under test at the other end of a stream, and the frames that it has sent. */
export class Peer {
  readonly session: Session;
  readonly #streams: Streams;
  readonly #ended: Promise<Ending>;
  readonly #kill: () => void;
  #bytes: Buffer = Buffer.alloc(0);
  #frames: Frame[] = [];
  #arrived: () => void = () => {};
  #ending: Ending | undefined;

  constructor(streams: Streams, symbols: ReadonlyMap<string, bigint>, ended: Promise<Ending>, kill: () => void) {
    this.session = { symbols, variables: new Map() };
    this.#streams = streams;
    this.#ended = ended;
    this.#kill = kill;
    for (const stream of [streams.input, streams.output]) stream.on("error", () => {});
    streams.output.on("data", (chunk: Buffer) => {
      const { frames, rest } = splitFrames(Buffer.concat([this.#bytes, chunk]));
      this.#bytes = rest;
      this.#frames.push(...frames);
      this.#arrived();
    });
    void ended.then((ending) => {
      this.#ending = ending;
      this.#arrived();
    });
  }

  /** Waits for one of the frames that lines expect; it is taken out. */
  async frame(accepts: (frame: Frame) => boolean, what: string): Promise<Frame> {
    const limit = setTimeout(this.#kill, LIMIT);
    try {
      for (;;) {
        const at = this.#frames.findIndex(accepts);
        if (at >= 0) return this.#frames.splice(at, 1)[0];
        if (this.#ending)
          throw new Error(`no ${what}: it has ended with status ${this.#ending.status}, ${this.#ending.words}`);
        await new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
      }
    } finally {
      clearTimeout(limit);
    }
  }

  async send(pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) {
      if (this.#streams.input.destroyed) return;
      this.#streams.input.write(piece);
      await turn();
    }
  }

  /** Its end, which closing our side of the stream may be the reason for. */
  async end(close: boolean): Promise<Ending> {
    if (close) this.#streams.input.end();
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      this.#kill();
    }, LIMIT);
    const ending = await this.#ended;
    clearTimeout(limit);
    assert.ok(!late, `not ended after ${LIMIT} ms; ${ending.words}`);
    for (const stream of [this.#streams.input, this.#streams.output]) stream.destroy();
    return ending;
  }

  /** Frames that have not been taken. */
  get rest(): readonly Frame[] {
    return this.#frames;
  }
}

/** Plays a case with a side under test; `cut` makes pieces of what is sent at once. */
export async function play(peer: Peer, side: Side, { steps }: Case, cut: (bytes: Buffer) => Buffer[]): Promise<void> {
  let batch: Buffer[] = [];
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(batch);
    batch = [];
    if (bytes.length > 0) await peer.send(cut(bytes));
  };
  let ending: Ending | undefined;
  for (const { verb, words } of steps.filter((step) => step.side === undefined || step.side === side)) {
    const line = `${verb} ${words.join(" ")}`;
    if (verb === ">") batch.push(encodeStep(words, peer.session));
    else if (verb === "<") {
      await flush();
      const frame = await peer.frame((candidate) => isFor(words, candidate), line);
      assert.equal(wrongFrame(words, frame, peer.session), undefined, line);
    } else if (verb === "says") {
      assert.ok(ending?.words.includes(words.join(" ")), `"${ending?.words}" does not say "${words.join(" ")}"`);
    } else {
      await flush();
      ending = await peer.end(verb === "end");
      const { status } = ending;
      assert.ok(
        words[0] === "failure" ? status !== 0 : status === Number(words[0]),
        `${line}: ${status}, ${ending.words}`,
      );
    }
  }
  assert.deepEqual(peer.rest, [], "frames that no line expects");
  assert.ok(ending, "the case does not say how it ends");
}

/** What the table in docs/ says about a case; where the sides differ it has to have a note. */
export function resultOf({ steps, note }: Case): string {
  const differ = steps.filter((step) => step.side !== undefined);
  if (note === undefined)
    assert.ok(
      differ.every((step) => step.verb === "says"),
      "no note says where the two differ",
    );
  else assert.notEqual(differ.length, 0, "a note, but the two do not differ");
  return note ?? "the same from slablink and LLVM 22";
}
