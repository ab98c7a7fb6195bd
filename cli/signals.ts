import { readFileSync } from "node:fs";
import { signalNumber } from "../src/host/signal-names.ts";

/** What other processes send to the one they started, meaning the program. */
const passedOn = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const;

/** What a terminal sends by itself to every process of its foreground group, so to the executor as well as to us. */
const fromTerminal: ReadonlySet<NodeJS.Signals> = new Set(["SIGINT", "SIGQUIT", "SIGHUP", "SIGWINCH"]);

/**
 * From now on signals mean the program, not this process: they are handed to `kill`, and this process lives on until
 * the program has ended. Signals of a terminal that the program gets anyway are not sent a second time; to a program in a process
 * group of its `own` they are handed on as they came, to the whole group.
 */
export function passSignalsOn(
  kill: (signal: NodeJS.Signals, group?: boolean) => void,
  group: "shared" | "own" = "shared",
): void {
  for (const signal of passedOn) {
    process.on(signal, () => {
      const toGroup = fromTerminal.has(signal) && isForeground();
      if (group === "own") kill(signal, toGroup);
      else if (!toGroup) kill(signal);
    });
  }
}

/** The exit status a shell shows for a program that ended by this signal: 128 + its number. */
export function statusOfSignal(signal: string): number {
  return 128 + signalNumber(signal);
}

/** Whether this process belongs to the foreground process group of its terminal. */
function isForeground(): boolean {
  try {
    return isForegroundStat(readFileSync("/proc/self/stat", "latin1"));
  } catch {
    return false;
  }
}

/** The same, from the text of `/proc/PID/stat` (proc(5)): pgrp is field 5, tpgid field 8; the name before may hold anything. */
export function isForegroundStat(stat: string): boolean {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[2] === fields[5];
}
