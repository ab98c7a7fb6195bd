import { fileURLToPath } from "node:url";
import type { Program } from "../case.ts";
import type { Contestant } from "../contestant.ts";

const launcher = fileURLToPath(new URL("../../../bin/slablink", import.meta.url));

/** Where contents lie: the word of the contestant's name, and the option. */
const memories = [
  ["per-object", "--memory=rpc-per-object"],
  ["rpc", "--memory=rpc"],
  ["shared", "--memory=shared"],
] as const;

/** As it is without options: executor, shared slab, tasks, as many threads as pay. */
export const slablink: Contestant = contestant("slablink", []);

/** Its other ways to run a program. */
export const slablinkModes: readonly Contestant[] = [
  contestant("slablink in-process", ["--in-process"]),
  contestant("slablink rpc", ["--memory=rpc"]),
  contestant("slablink per-object", ["--memory=rpc-per-object"]),
];

/** Every corner of the experiment: memory × tasks × threads. */
export function corners(cores: number): Contestant[] {
  const threads = [...new Set([1, 2, cores])].sort((a, b) => a - b);
  return memories.flatMap(([memory, option]) =>
    ["inline", "dispatched"].flatMap((tasks) =>
      threads.map((count) => {
        const options = [option, `--tasks=${tasks}`, `--threads=${count}`];
        return { ...contestant(`slablink ${memory}/${tasks}/${count}`, options), optional: true };
      }),
    ),
  );
}

function contestant(name: string, options: readonly string[]): Contestant {
  return {
    name,
    requirements: [],
    attempt: (program) => ({
      commands: [slablinkCommand(program, options)],
      stdout: program.stdout,
      withStatistics: slablinkCommand(program, [...options, "--stats=json"]),
    }),
  };
}

/** The words of a slablink run; `options` come first. */
export function slablinkCommand(program: Program, options: readonly string[]): string[] {
  const { inputs, wholeArchives = [], libraries, linkOnly } = program;
  const whole = wholeArchives.length > 0 ? ["--whole-archive", ...wholeArchives, "--no-whole-archive"] : [];
  const names = libraries.map(({ name }) => `-l${name}`);
  const way = linkOnly ? [...options, "--no-run"] : options;
  return [process.execPath, launcher, "run", ...way, ...inputs, ...whole, ...names, "--", ...program.arguments];
}
