import { expandResponseFiles } from "../src/inputs/response-file.ts";
import { runProgram } from "../src/orc/run-program.ts";
import { parseRunOptions } from "./run-options.ts";
import { passSignalsOn, statusOfSignal } from "./signals.ts";
import { writeError } from "./terminal.ts";

/** `slablink run`: compiles what is source, links, runs; the status is the program's. */
export async function command(words: string[]): Promise<number> {
  const { stats: form, help, ...options } = parseRunOptions(expandResponseFiles(words));
  if (help) return (await import("./help.ts")).command(["run"]);
  const stats = form === "none" ? undefined : await import("./stats.ts");
  let printStats = () => {};
  const end = await runProgram({
    ...options,
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
  if (end.signal !== undefined) writeError(`slablink: program ended by ${end.signal}\n`);
  printStats();
  return end.signal === undefined ? (end.status ?? 1) : statusOfSignal(end.signal);
}
