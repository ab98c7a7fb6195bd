// npm run bench:calls: what calls, shared memory and small links cost, in turn with what one would do without slablink.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeMachine } from "../machine.ts";
import { contests } from "./contests.ts";
import { type Outcome, runContest } from "./run.ts";
import { headOf, markdownOf, textOf } from "./table.ts";

const usage = `Usage: npm run bench:calls -- [options] [NAME...]

Only the contests whose name or peer holds a NAME; all without one.

  --rounds N       rounds of each contest (15)
  --time MS        of each side in a round (50)
  --list           names
  --json           one JSON object instead of the table
  --markdown FILE  the table, between the marks that FILE has for it
  --help           this text
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "15" },
    time: { type: "string", default: "50" },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    markdown: { type: "string" },
    help: { type: "boolean", default: false, short: "h" },
  },
});

const chosen = contests.filter(
  ({ name, against }) =>
    positionals.length === 0 || positionals.some((word) => name.includes(word) || against.includes(word)),
);
if (values.help) process.stdout.write(usage);
else if (values.list)
  for (const { name, against } of chosen) console.log(against === "" ? name : `${name}: ${against}`);
else await main(positive("rounds", values.rounds), positive("time", values.time));

async function main(rounds: number, milliseconds: number): Promise<void> {
  if (chosen.length === 0) throw new Error(`no contest's name holds ${positionals.join(" or ")}`);
  const head = headOf(describeMachine(), rounds);
  if (!values.json) console.log(head);
  const outcomes: Outcome[] = [];
  for (const contest of chosen) {
    if (process.stderr.isTTY) process.stderr.write(`${contest.name}\n`);
    outcomes.push(await runContest(contest, { rounds, milliseconds }));
  }
  if (values.json) console.log(JSON.stringify({ machine: describeMachine(), rounds, outcomes }, undefined, 2));
  else process.stdout.write(textOf(outcomes));
  if (values.markdown !== undefined) writeBetweenMarks(values.markdown, `${head}\n\n${markdownOf(outcomes)}`);
}

function writeBetweenMarks(path: string, text: string): void {
  const [start, end] = [
    "<!-- bench:calls: what stands between these lines is written by `npm run bench:calls` -->",
    "<!-- bench:calls: end -->",
  ];
  const before = readFileSync(path, "utf8");
  const [from, to] = [before.indexOf(start), before.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${path} has no lines ${start} and ${end}`);
  writeFileSync(path, `${before.slice(0, from + start.length)}\n\n${text}\n${before.slice(to)}`);
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!(Number.isInteger(number) && number > 0)) throw new Error(`--${name} ${text}: expected a whole number above 0`);
  return number;
}
