import assert from "node:assert/strict";
import { test } from "node:test";
import { Opcode } from "../../src/epc/frame.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { program } from "./programs.ts";
import { type Point, placeOf, type Relayed, type RelayedFrame, runRelayed, several } from "./relay.ts";

const SIGKILL = 137;

/** At the boundaries of each frame, and inside of its header and its payload. */
function offsetsIn({ size }: RelayedFrame): number[] {
  return [...new Set([0, 9, 32, Math.floor((32 + size) / 2), size - 1, size])];
}

/** The number of the controller's last frame to an executor: the request to run the program. */
function lastRequest(frames: readonly RelayedFrame[]): RelayedFrame {
  return frames.filter(({ from }) => from === "c").at(-1)!;
}

/**
 * What the killed executor's run may end with: nobody knows, when the request to run the program is on its way just then.
 * Who has all of that may be done with the program before the signal comes.
 */
function statusesOf(point: Point, frames: readonly RelayedFrame[]): number[] {
  const run = lastRequest(frames);
  const { frame, offset } = point;
  if (frame.start !== run.start) return [1];
  if (frame.from === "c" && frame.number === run.number) return offset === frame.size ? [SIGKILL, 0] : [SIGKILL];
  if (frame.from === "c") return [1];
  const last = frames.filter(({ from, start }) => from === "e" && start === run.start).at(-1)!;
  return frame === last && offset === frame.size ? [1, SIGKILL] : [1];
}

function checkKilledExecutor(point: Point, outcome: Relayed, frames: readonly RelayedFrame[]): void {
  const where = `${placeOf(point)}: ${outcome.stderr}`;
  assert.ok(statusesOf(point, frames).includes(outcome.status), `status ${outcome.status} at ${where}`);
  if (outcome.status === 0) {
    assert.deepEqual([outcome.stdout, outcome.stderr], ["hello\n", ""], where);
    return;
  }
  if (outcome.status === SIGKILL) {
    assert.equal(outcome.stderr, "slablink: program ended by SIGKILL\n", where);
    return;
  }
  const inside =
    point.frame.from === "e" && point.offset > 0 && point.offset < point.frame.size
      ? `: the executor's connection ended inside a frame, after 0x${point.offset.toString(16)} bytes`
      : "";
  assert.equal(outcome.stderr, `slablink: error: the executor was killed by SIGKILL${inside}\n`, where);
  assert.equal(outcome.stdout, "", where);
}

interface Sweep {
  readonly name: string;
  readonly source: "hello" | "threadLocals";
  readonly words: readonly string[];
  readonly ownExecutor?: boolean;
  readonly starts: number;
  /** Points at which either side is killed, at least. */
  readonly atLeast: number;
  readonly offsets: (frame: RelayedFrame) => number[];
}

const sweeps: readonly Sweep[] = [
  { name: "shared", source: "hello", words: ["--memory=shared"], starts: 1, atLeast: 100, offsets: offsetsIn },
  { name: "rpc", source: "hello", words: ["--memory=rpc"], starts: 1, atLeast: 100, offsets: offsetsIn },
  {
    name: "shared, started again for thread-locals",
    ...{ source: "threadLocals", words: ["--memory=shared"], ownExecutor: true, starts: 2, atLeast: 50 },
    offsets: ({ size }) => [0, size - 1],
  },
];

for (const { name, source, words, ownExecutor, starts, atLeast, offsets } of sweeps) {
  test(`${name}: kill -9 of either side at and inside of every frame`, async (t) => {
    if (!has(t, "cc")) return;
    const run = [...words, await program(source)];
    const { frames: all, ...plain } = await runRelayed(run, undefined, { ownExecutor });
    // One that is told to end says so, and nobody cares how it does then.
    const frames = all.filter(({ opcode }) => opcode !== Opcode.hangup);
    assert.deepEqual([plain.stdout, plain.stderr, plain.status], ["hello\n", "", 0]);
    assert.equal(lastRequest(frames).start, starts - 1, "executors were started");
    const points = frames.flatMap((frame) =>
      ["kill-executor", "kill-controller"].flatMap((action) =>
        offsets(frame).map((offset) => ({ frame, offset, action })),
      ),
    );
    assert.ok(points.length >= atLeast, `${points.length} points`);
    const hits = await several(points, async (point) => {
      const outcome = await runRelayed(run, point, { ownExecutor });
      // A frame may be shorter when an address is another one; then nothing has happened.
      if (!outcome.hit) assert.deepEqual([outcome.stdout, outcome.status], ["hello\n", 0], placeOf(point));
      else if (point.action === "kill-executor") checkKilledExecutor(point, outcome, frames);
      else assert.equal(outcome.status, SIGKILL, placeOf(point));
      return outcome.hit;
    });
    const reached = hits.filter(Boolean).length;
    assert.ok(reached >= 0.9 * points.length, `${reached} of ${points.length} points were reached`);
    const each = `every frame's boundaries${offsets === offsetsIn ? ", four places inside" : ", a place inside"}`;
    tableRow(
      "faults",
      `executor killed while it links (${name})`,
      each,
      "1",
      "`the executor was killed by SIGKILL`",
      "nothing",
    );
    tableRow(
      "faults",
      `executor killed from the request to run the program on (${name})`,
      each,
      "137",
      "`program ended by SIGKILL`",
      "nothing",
    );
    tableRow("faults", `controller killed (${name})`, each, "137", "–", "nothing");
  });
}
