import assert from "node:assert/strict";
import { test } from "node:test";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { program } from "./programs.ts";
import { type Point, placeOf, type RelayedFrame, runRelayed, several } from "./relay.ts";

const framesOf = async (words: readonly string[]) => (await runRelayed(words)).frames;

const isRun = (frame: RelayedFrame, frames: readonly RelayedFrame[]) =>
  frame === frames.filter(({ from }) => from === "c").at(-1);

/** What is said before status 1, as one line of slablink's; lines of the executor's may stand before it. */
const lastLine = (stderr: string) => stderr.trimEnd().split("\n").at(-1) ?? "";

test("an executor that sends what it may not: one sentence, and it is ended at once", async (t) => {
  if (!has(t, "cc")) return;
  const words = ["--memory=shared", await program("hello")];
  const frames = await framesOf(words);
  const kinds = ["size", "huge", "opcode", "sequence", "setup", "hangup", "noise"];
  const points: Point[] = frames
    .filter(({ from }) => from === "e")
    .flatMap((frame) => [
      ...kinds.map((kind) => ({ frame, offset: 0, action: `garble-${kind}` })),
      // An answer to the reservation that is made ahead may say what it likes: it is asked for again.
      ...(frame.number === 1 ? [] : [{ frame, offset: 32, action: "garble-payload" }]),
    ]);
  await several(points, async (point) => {
    const { status, stdout, stderr, hit } = await runRelayed(words, point);
    const where = `${point.action} at ${placeOf(point)}`;
    assert.ok(hit, where);
    assert.equal(`${status} ${stdout}`, "1 ", `${where}: ${stderr}`);
    assert.match(stderr, /^slablink: error: .*\n$/, where);
    assert.doesNotMatch(stderr, /internal error|closed its connection|ended with/, where);
  });
  const what = "frame size or opcode, a result nobody waits for, a second Setup, noise";
  tableRow(
    "faults",
    `executor sends nonsense: ${what}`,
    "each frame",
    "1",
    "what was wrong, with both numbers",
    "nothing",
  );
});

test("a connection that is cut or ended half is an error, and the executor goes", async (t) => {
  if (!has(t, "cc")) return;
  for (const memory of ["shared", "rpc"]) {
    const words = [`--memory=${memory}`, await program("hello")];
    const frames = await framesOf(words);
    const points = frames
      .filter((frame) => !isRun(frame, frames))
      .flatMap((frame) =>
        ["cut", "end-to-controller", "end-to-executor"].flatMap((action) =>
          [0, 40].map((offset) => ({ frame, offset, action })),
        ),
      );
    await several(points, async (point) => {
      const { status, stdout, stderr, hit } = await runRelayed(words, point);
      const where = `${point.action} at ${placeOf(point)}: ${stderr}`;
      assert.ok(hit, where);
      assert.deepEqual([status, stdout], [1, ""], where);
      // It kills itself when linked code or a library's constructors may be running.
      assert.match(
        lastLine(stderr),
        /^slablink: error: the executor (ended with exit status [01]|was killed by SIGKILL)/,
        where,
      );
    });
    const said = "`the executor ended with exit status 0` or 1, or `was killed by SIGKILL` (by itself)";
    tableRow(
      "faults",
      `connection cut, or ended in one direction (${memory})`,
      "at and inside of every frame before the program runs",
      "1",
      said,
      "nothing",
    );
  }
});

test("a side that stands still for a while is waited for", async (t) => {
  if (!has(t, "cc")) return;
  const words = ["--memory=shared", await program("hello")];
  const frames = await framesOf(words);
  const points = frames.flatMap((frame) =>
    ["pause-executor", "pause-controller"].map((action) => ({ frame, offset: frame.size - 1, action })),
  );
  await several(points, async (point) => {
    const { status, stdout, stderr } = await runRelayed(words, point);
    assert.deepEqual([status, stdout, stderr], [0, "hello\n", ""], placeOf(point));
  });
  tableRow(
    "faults",
    "either side stopped for a while",
    "inside of every frame",
    "the program's",
    "nothing: it is waited for",
    "nothing",
  );
});

test("an executor that never says Setup is given up after 10 s, also one that is stopped", async (t) => {
  if (!has(t, "cc")) return;
  const words = ["--memory=shared", await program("hello")];
  const [frame] = (await framesOf(words)).filter(({ from }) => from === "e");
  const outcome = await runRelayed(words, { frame, offset: 9, action: "stop-executor" }, { limit: 20_000 });
  assert.equal(outcome.stderr, "slablink: error: the executor sent no Setup message within 10000 ms\n");
  assert.equal(outcome.status, 1);
  const said = "`the executor sent no Setup message within 10000 ms`";
  tableRow("faults", "executor stopped for good before Setup", "inside of Setup", "1", said, "nothing");
});
