import { runProgram } from "../src/orc/run-program.ts";
import type { LinkStats } from "../src/orc/run-request.ts";
import { expandResponseFiles } from "./response-file.ts";
import { parseRunOptions } from "./run-options.ts";
import { passSignalsOn, statusOfSignal } from "./signals.ts";
import { writeError } from "./terminal.ts";

/** `slablink run`: compiles what is source, links, runs; the status is the program's. */
export async function command(words: string[]): Promise<number> {
  const { stats: form, help, ...options } = parseRunOptions(expandResponseFiles(words));
  if (help) return (await import("./help.ts")).command(["run"]);
  const { compileSources } = await import("./compile.ts");
  const { formatStats } = await import("./stats.ts");
  const inputs = await compileSources(options.items);
  let linked: LinkStats | undefined;
  const printStats = () => {
    if (linked !== undefined && form !== "none") writeError(formatStats(linked, form));
    linked = undefined;
  };
  try {
    const end = await runProgram({
      ...options,
      items: inputs.items,
      onLinked: (stats) => {
        inputs.remove();
        linked = stats;
        // A program in this process may end it at any moment; one in an executor has the last lines to us.
        if (options.mode === "in-process") printStats();
      },
      onExecutor: passSignalsOn,
    });
    if (end.signal !== undefined) writeError(`slablink: program ended by ${end.signal}\n`);
    printStats();
    return end.signal === undefined ? (end.status ?? 1) : statusOfSignal(end.signal);
  } finally {
    inputs.remove();
  }
}
