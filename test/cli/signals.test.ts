import assert from "node:assert/strict";
import { test } from "node:test";
import { isForegroundStat, statusOfSignal } from "../../cli/signals.ts";

test("the status of a signal is what a shell shows", () => {
  assert.deepEqual(["SIGINT", "SIGABRT", "SIGSEGV", "SIGTERM"].map(statusOfSignal), [130, 134, 139, 143]);
  assert.deepEqual(
    ["signal 35", "signal 64", "SIGNONE"].map(statusOfSignal),
    [163, 192, 128],
    "signals without a name",
  );
});

test("foreground means that the terminal's process group is ours, whatever our name holds", () => {
  // pid (comm) state ppid pgrp session tty_nr tpgid
  assert.ok(isForegroundStat("812 (node) S 1 812 700 34816 812 4194304 1 2 3"));
  assert.ok(!isForegroundStat("812 (node) S 1 812 700 34816 700 4194304 1 2 3"), "in the background");
  assert.ok(!isForegroundStat("812 (node) S 1 812 700 0 -1 4194304 1 2 3"), "without a terminal");
  assert.ok(isForegroundStat("812 (a) b (c) S 1 812 700 34816 812 4194304 1 2 3"));
});
