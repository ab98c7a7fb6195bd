import { expandResponseFiles } from "../src/inputs/response-file.ts";
import { runProgram } from "../src/orc/run-program.ts";
import { parseRunOptions } from "./run-options.ts";
import { passSignalsOn, statusOfSignal } from "./signals.ts";
import { writeError } from "./terminal.ts";
import type { StartMarks } from "./trace.ts";

/** `slablink run`: compiles what is source, links, runs; the status is the program's. `marks` are for a trace. */
export async function command(words: string[], marks?: StartMarks): Promise<number> {
  const { stats: form, help, trace: traceFile, ...options } = parseRunOptions(expandResponseFiles(words));
  if (help) return (await import("./help.ts")).command(["run"]);
  if (traceFile !== undefined) marks?.push(process.hrtime());
  const traced = traceFile === undefined ? undefined : (await import("./trace.ts")).startTrace(traceFile, marks);
  const formatStats = form === "none" ? undefined : (await import("./stats.ts")).formatStats;
  let printStats = () => {};
  const end = await runProgram({
    ...options,
    ...traced,
    endsProcess: true,
    onLinked: (stats) => {
      if (form === "none" || formatStats === undefined) return;
      const text = formatStats(stats, form);
      // A program in this process may end it at any moment; one in an executor leaves the last lines to us.
      if (options.mode === "in-process") writeError(text);
      else printStats = () => writeError(text);
    },
    onWarning: (text) => writeError(`slablink: warning: ${text}\n`),
    onExecutor: passSignalsOn,
  });
  if (end.signal !== undefined) writeError(`slablink: program ended by ${end.signal}\n`);
  printStats();
  return end.signal === undefined ? (end.status ?? 1) : statusOfSignal(end.signal);
}
