import { tuneEngine } from "../src/host/engine.ts";
import { expandResponseFiles } from "../src/inputs/response-file.ts";
import type { ProgramEnd } from "../src/native/program.ts";
import { runProgram } from "../src/orc/run-program.ts";
import { endAtOnce } from "./end-process.ts";
import { parseRunOptions } from "./run-options.ts";
import { passSignalsOn, statusOfSignal } from "./signals.ts";
import { writeError } from "./terminal.ts";
import type { StartMarks } from "./trace.ts";

/** Set by set-up, for bin/slablink to keep the compiled code of what a run has used. */
const WRITE_CODE_CACHE = "SLABLINK_WRITE_CODE_CACHE";

/** `slablink run`: compiles what is source, links, runs; the status is the program's. `marks` are for a trace. */
export async function command(words: string[], marks?: StartMarks): Promise<number> {
  const { command, connect, secretFile, ...parsed } = parseRunOptions(expandResponseFiles(words));
  const { stats: form, help, watch, trace: traceFile, ...options } = parsed;
  if (help) return (await import("./help.ts")).command(["run"]);
  if (watch) return (await import("./watch.ts")).runWatched(options);
  if (traceFile !== undefined) marks?.push(process.hrtime());
  const traced = traceFile === undefined ? undefined : (await import("./trace.ts")).startTrace(traceFile, marks);
  const isElsewhere = command !== undefined || connect !== undefined;
  const reach = isElsewhere ? (await import("./reach.ts")).reachOf(command, connect, secretFile) : undefined;
  // Threads may be waiting in standard streams that others hold.
  if (reach !== undefined) endAtOnce();
  const stats = form === "none" ? undefined : await import("./stats.ts");
  let printStats = () => {};
  const running = runProgram({
    ...options,
    ...traced,
    reach,
    endsProcess: true,
    onLinked: (linked) => {
      if (form === "none" || stats === undefined) return;
      const print = () => writeError(stats.formatStats({ ...linked, cpu: stats.processorTime(options.mode) }, form));
      // A program in this process may end it at any moment; one in an executor leaves the last lines to us.
      if (options.mode === "in-process") print();
      else printStats = print;
    },
    onWarning: (text) => writeError(`slablink: warning: ${text}\n`),
    onExecutor: passSignalsOn,
  });
  // By now the executor starts. The stored code of functions is for an engine as it was.
  if (process.env[WRITE_CODE_CACHE] === undefined) tuneEngine();
  const end = await running;
  if (options.mode === "executor") endAtOnce();
  if (end.signal !== undefined) await sayHowItEnded(end);
  printStats();
  return end.signal === undefined ? (end.status ?? 1) : statusOfSignal(end.signal);
}

/** A line about the signal, and below it what is known of a crash. */
export async function sayHowItEnded({ signal, crash }: ProgramEnd): Promise<void> {
  const told = crash?.signal === signal ? (await import("../src/debug/crash-text.ts")).crashText(crash!) : [signal];
  writeError(`slablink: program ended by ${told.join("\nslablink: ")}\n`);
}
