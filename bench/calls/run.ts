import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pairedRatio, type Summary, summarize } from "../statistics.ts";
import type { Contest, Repeat } from "./contest.ts";

/** What a contest came to. */
export interface Outcome {
  readonly contest: Omit<Contest, "prepare">;
  /** Of one repetition, in ns. */
  readonly own: Summary;
  readonly peer?: Summary;
  /** Of each round, slablink's time to the peer's. */
  readonly ratio?: Summary;
}

/** How long and how often. */
export interface RunOptions {
  readonly rounds: number;
  /** Of each side in a round, in ms; about. */
  readonly milliseconds: number;
}

/** Runs both sides of a contest in turn, each as often in a round as takes the given time. */
export async function runContest(contest: Contest, { rounds, milliseconds }: RunOptions): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), "slablink-calls-"));
  try {
    const sides = await contest.prepare(directory);
    try {
      const { prepare: _, ...described } = contest;
      const own = await sideOf(sides.own, milliseconds);
      const peer = sides.peer === undefined ? undefined : await sideOf(sides.peer, milliseconds);
      for (let round = 0; round < rounds; round++) {
        // In turn, so that neither is always the first.
        const order = peer === undefined ? [own] : round % 2 === 0 ? [own, peer] : [peer, own];
        for (const side of order) side.times.push((await side.repeat(side.count)) / side.count);
      }
      if (peer === undefined) return { contest: described, own: summarize(own.times) };
      const ratio = pairedRatio(own.times, peer.times);
      return { contest: described, own: summarize(own.times), peer: summarize(peer.times), ratio };
    } finally {
      await sides.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Side {
  readonly repeat: Repeat;
  readonly count: number;
  readonly times: number[];
}

/** Warms a side up, and finds out how often it fits into the time. */
async function sideOf(repeat: Repeat, milliseconds: number): Promise<Side> {
  let count = 1;
  for (;;) {
    const taken = (await repeat(count)) / 1e6;
    if (taken >= milliseconds / 2)
      return { repeat, count: Math.max(1, Math.round((count * milliseconds) / taken)), times: [] };
    count = Math.ceil(count * Math.min(10, Math.max(2, milliseconds / Math.max(taken, 0.001))));
  }
}
