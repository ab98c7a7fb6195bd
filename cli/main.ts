import { SlablinkError } from "../src/errors.ts";

import { writeError } from "./terminal.ts";
import type { StartMarks } from "./trace.ts";

/** The commands; each is loaded only when it is asked for, since start-up counts in every run. */
const commands: Record<string, () => Promise<{ command(words: string[], marks?: StartMarks): Promise<number> }>> = {
  run: () => import("./run.ts"),
  executor: () => import("./executor.ts"),
  bench: () => import("./bench.ts"),
  help: () => import("./help.ts"),
  version: () => import("./version.ts"),
};

/** Names of all commands, as a hint for a mistyped one. */
export const commandNames: readonly string[] = Object.keys(commands);

/** Runs the command line (without `node` and the script) and ends this process with the command's status. `marks`: for a trace. */
export async function main(words: string[], marks?: StartMarks): Promise<void> {
  let status: number;
  try {
    status = await dispatch(words, marks);
  } catch (error) {
    status = await report(error);
  }
  // Not `exitCode`: the session may hold handles that would keep the process alive.
  process.exit(status);
}

async function dispatch(words: string[], marks?: StartMarks): Promise<number> {
  const [name, ...rest] = words;
  if (name === "--version" || name === "-V") return (await commands.version()).command(rest);
  if (name === undefined || name === "--help" || name === "-h") {
    const help = await commands.help();
    if (name !== undefined) return help.command(rest);
    writeError((await import("./help.ts")).overview);
    return 2;
  }
  if (!Object.hasOwn(commands, name)) {
    const { unknownCommand } = await import("./hint.ts");
    throw unknownCommand(name, commandNames);
  }
  return (await commands[name]()).command(rest, marks);
}

async function report(error: unknown): Promise<number> {
  if (error instanceof AggregateError) {
    let status = 1;
    for (const each of error.errors) status = Math.max(status, await report(each));
    return status;
  }
  if (error instanceof SlablinkError) {
    writeError(`slablink: error: ${error.message}\n`);
    return error.code === "usage" ? 2 : 1;
  }
  const { internalError } = await import("./internal-error.ts");
  writeError(internalError(error));
  return 1;
}
