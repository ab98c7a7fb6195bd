import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Outcome, type ProcessOptions, run } from "../support/process.ts";
import { nothingLeft } from "../support/slablink.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

/** A command of an example's README, and what it prints there. */
export interface Told {
  readonly words: readonly string[];
  /** The file that it reads from standard input. */
  readonly input?: string | undefined;
  readonly output: string;
}

const COMMAND = /^ {4}\$ node (examples\/\S+)(.*)$/;
let runs = 0;

/** The commands of a README: lines of four spaces, of which the first is `$ node …`, with the comments behind `#` left out. */
export function commandsOf(name: string): Told[] {
  const told: { words: string[]; input: string | undefined; output: string }[] = [];
  let isOutput = false;
  for (const line of readFileSync(join(packageRoot, "examples", name, "README.md"), "utf8").split("\n")) {
    const command = COMMAND.exec(line);
    if (command !== null) {
      const [words, input] = command[2]!.replace(/\s+#.*$/, "").split(" < ");
      const rest = words!.split(/\s+/).filter((word) => word !== "");
      told.push({ words: [command[1]!, ...rest], input, output: "" });
      isOutput = true;
    } else if (isOutput && (line.startsWith("    ") || line === "")) {
      told.at(-1)!.output += `${line.slice(4)}\n`;
    } else {
      isOutput = false;
    }
  }
  return told.map((each) => ({ ...each, output: `${each.output.trimEnd()}\n` }));
}

/** Where and by what an example is run. */
export interface Place {
  /** process.execPath by default. */
  readonly node?: string;
  /** Has `examples/`, and finds slablink; the package's own by default. */
  readonly directory?: string;
}

/** Runs an example; fails where it leaves a process, a file, or a name in /dev/shm. */
export async function runExample(
  words: readonly string[],
  { node = process.execPath, directory = packageRoot }: Place = {},
  options: ProcessOptions = {},
): Promise<Outcome> {
  const mark = `SLABLINK_TEST_MARK=example.${process.pid}.${runs++}`;
  const [temporary, shared] = [freshDirectory(), new Set(readdirSync("/dev/shm"))];
  const env = { ...options.env, TMPDIR: temporary, SLABLINK_TEST_MARK: mark.split("=")[1] };
  const outcome = await run(node, words, { cwd: directory, timeout: 120_000, ...options, env });
  await nothingLeft(mark, temporary, shared, /slablink/i);
  return { ...outcome, stdout: Buffer.from(outcome.stdout, "latin1").toString("utf8") };
}

/** Runs what a README says, and compares: `vague` is what differs from run to run and from machine to machine. */
export async function runAsTold(name: string, vague = /(?!)/g, place: Place = {}): Promise<string[]> {
  const outputs: string[] = [];
  const told = commandsOf(name);
  assert.notEqual(told.length, 0, `examples/${name}/README.md has no command`);
  for (const { words, input, output } of told) {
    const stdin = input === undefined ? "" : readFileSync(join(packageRoot, input), "utf8");
    const { status, stdout, stderr } = await runExample(words, place, { stdin });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" }, `node ${words.join(" ")}`);
    assert.equal(vaguely(stdout), vaguely(output), `node ${words.join(" ")}: the README says otherwise`);
    outputs.push(stdout);
  }
  return outputs;

  function vaguely(text: string): string {
    return text.trimEnd().replace(vague, "…");
  }
}
