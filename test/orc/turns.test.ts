import assert from "node:assert/strict";
import { test } from "node:test";
import { reexports } from "../../src/orc/definitions.ts";
import { JITDylib } from "../../src/orc/jit-dylib.ts";
import { Turns } from "../../src/orc/turns.ts";

/** Work in JITDylibs that goes on until it is told to end; `log` has who has begun. */
class Works {
  readonly log: string[] = [];
  readonly #turns = new Turns();
  readonly #ends = new Map<string, () => void>();

  /** Asks for a turn. */
  ask(name: string, ...dylibs: JITDylib[]): Promise<string> {
    return this.#turns.take(dylibs, async () => {
      this.log.push(name);
      await new Promise<void>((resolve) => this.#ends.set(name, resolve));
      return name;
    });
  }

  /** Ends work, and lets everything happen that it was waited with. */
  async end(name: string): Promise<void> {
    this.#ends.get(name)!();
    await allDone();
  }
}

/** All that does not wait for an event has happened. */
const allDone = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function dylibs(): JITDylib[] {
  return ["a", "b", "c"].map((name) => new JITDylib(name));
}

test("turns are taken by all JITDylibs that work can reach, and others go on side by side", async () => {
  const [a, b, c] = dylibs();
  a!.define(reexports(b!, { x: "x" }));
  const works = new Works();
  const first = works.ask("a", a!);
  works.ask("b", b!);
  works.ask("c", c!);
  await allDone();
  assert.deepEqual(works.log, ["a", "c"]);
  await works.end("a");
  assert.equal(await first, "a");
  assert.deepEqual(works.log, ["a", "c", "b"]);
});

test("turns of several JITDylibs are taken together, in the order in which they were asked for", async () => {
  const [a, b, c] = dylibs();
  const works = new Works();
  works.ask("a", a!);
  works.ask("ab", a!, b!);
  works.ask("bc", b!, c!);
  works.ask("ba", b!, a!);
  works.ask("c", c!);
  await allDone();
  for (const name of ["a", "ab", "bc"]) await works.end(name);
  assert.deepEqual(works.log, ["a", "ab", "bc", "ba", "c"]);
});

test("work waits for what its JITDylib has come to reach while it waited", async () => {
  const [a, b, c] = dylibs();
  const works = new Works();
  works.ask("first", a!);
  works.ask("second", a!);
  works.ask("b", b!);
  works.ask("c", c!);
  await allDone();
  a!.define(reexports(b!, { x: "x" }));
  b!.addToLinkOrder(c!);
  await works.end("first");
  await works.end("b");
  assert.deepEqual(works.log, ["first", "b", "c"]);
  await works.end("c");
  assert.deepEqual(works.log, ["first", "b", "c", "second"]);
});

test("JITDylibs that reach each other do not wait for themselves, and work that fails gives its turn on", async () => {
  const [a, b] = dylibs();
  a!.addToLinkOrder(b!);
  b!.define(reexports(a!, { x: "x" }));
  const turns = new Turns();
  const failing = turns.take([a!], () => Promise.reject(new Error("failed")));
  await assert.rejects(failing, /failed/);
  assert.equal(await turns.take([b!], async () => "next"), "next");
  assert.equal(await turns.take([], async () => "in none"), "in none");
});
