import { UsageError } from "../src/errors.ts";
import { parseOptions } from "./options.ts";
import { writeOutput } from "./terminal.ts";

/** `slablink executor --print-path`. */
export async function command(words: string[]): Promise<number> {
  let print = false;
  let help = false;
  const options = [
    {
      names: ["--print-path"],
      set: () => {
        print = true;
      },
    },
    {
      names: ["--help", "-h"],
      set: () => {
        help = true;
      },
    },
  ];
  const refuse = (word: string): never => {
    throw new UsageError(`'${word}' is not expected here; see \`slablink executor --help\``);
  };
  parseOptions(words, options, refuse, "executor").forEach(refuse);
  if (help) return (await import("./help.ts")).command(["executor"]);
  if (!print) throw new UsageError("nothing to do; see `slablink executor --help`");
  const { executorPath } = await import("../src/orc/executor-path.ts");
  writeOutput(`${executorPath()}\n`);
  return 0;
}
