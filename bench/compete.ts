import type { Program } from "./case.ts";
import type { Attempt, Contestant } from "./contestant.ts";
import { subject } from "./contestants.ts";
import { type Counters, readCounters } from "./counters.ts";
import { machineCpuTime } from "./machine.ts";
import { measure, measurePeak, type Run } from "./measure.ts";

/** The runs of one contestant, one for each round. Times in ms. */
export interface Result {
  readonly contestant: Contestant;
  readonly wall: number[];
  readonly cpu: number[];
  /** CPU time of what links and of what runs, as far as they are processes of their own. */
  readonly controllerCpu: number[];
  readonly executorCpu: number[];
  /** Most memory that one process had, in bytes. */
  readonly peak: number;
  readonly counters: Counters | undefined;
  readonly note: string | undefined;
}

/** Who could not take part, and why. */
export interface Failure {
  readonly contestant: string;
  readonly reason: string;
}

/** All contestants in one program. */
export interface Competition {
  readonly results: readonly Result[];
  readonly failures: readonly Failure[];
  /** CPU time that other processes used meanwhile, as a part of one core; undefined where the system does not say. */
  readonly disturbance: number | undefined;
}

/** How it is measured: rounds, and runs of `--stats=json` beside them. */
export interface CompetitionOptions {
  readonly rounds: number;
  readonly statisticsRuns: number;
  readonly directory: string;
  /** Longest a first run may take, in s; 120 by default. */
  readonly limit?: number;
  /** Called before each step that takes time, for people who wait. */
  progress(what: string): void;
}

/** Longest a first run may take, in s, unless a caller says otherwise. */
const LIMIT = 120;
/** A contestant whose first run takes longer, in ms, has few rounds: it would be most of the time, and need them least. */
const SLOW = 5000;
const SLOW_ROUNDS = 3;
/** Characters of an error that are shown. */
const MOST_SAID = 240;

/** The first run did not end in time; another arrangement of the same program would take as long. */
class EndlessError extends Error {}

/** What a measured process sees: this environment without what would slow Node down or change what it does. */
export function cleanEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith("NODE_") && !name.startsWith("npm_")) environment[name] = value;
  }
  return environment;
}

/**
 * Runs every contestant once per round, in turn, and checks each time that the program did what it should. One round
 * before the first fills the caches, and shows which peers cannot link the program at all. The order turns from round to
 * round, so that nobody always follows the same. Throws when slablink itself fails; a peer that fails after runs that went well is
 * named, and has no times.
 */
export function compete(
  program: Program,
  contestants: readonly Contestant[],
  { rounds, statisticsRuns, directory, progress, limit = LIMIT }: CompetitionOptions,
): Competition {
  const environment = cleanEnvironment();
  const failures: Failure[] = [];
  const able: { attempt: Attempt; rounds: number; result: Result }[] = [];
  const endless = new Map<string, string>();
  for (const contestant of contestants) {
    progress(`${contestant.name}, first run`);
    const [family] = contestant.name.split(" ");
    try {
      const before = endless.get(family);
      if (before !== undefined) throw new Error(`not tried, as ${before} did not end`);
      const { attempt, wall } = firstRun(program, contestant, environment, directory, limit);
      const peak = Math.max(...attempt.commands.map((words) => measurePeak({ words, environment }, directory)));
      const counters = readCounters(attempt, statisticsRuns, environment, directory);
      const empty = { wall: [], cpu: [], controllerCpu: [], executorCpu: [] };
      const result: Result = { contestant, ...empty, peak, counters, note: attempt.note };
      able.push({ attempt, rounds: wall > SLOW ? Math.min(rounds, SLOW_ROUNDS) : rounds, result });
    } catch (error) {
      if (contestant === subject) throw error;
      if (error instanceof EndlessError) endless.set(family, contestant.name);
      failures.push({ contestant: contestant.name, reason: (error as Error).message });
    }
  }
  const fallen = new Set<Result>();
  const stopwatch = startDisturbance();
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (let i = 0; i < able.length; i++) {
      const { result, attempt, rounds: own } = able[(i + round) % able.length];
      if (round >= own || fallen.has(result)) continue;
      try {
        record(result, runAll(attempt, environment, directory), attempt);
      } catch (error) {
        const { name } = result.contestant;
        if (name.startsWith(subject.name)) throw error;
        fallen.add(result);
        failures.push({ contestant: name, reason: (error as Error).message });
      }
    }
  }
  const results = able.map(({ result }) => result).filter((result) => !fallen.has(result));
  return { results, failures, disturbance: stopwatch(results) };
}

/** The first way of a contestant's that works, and how long it took. Throws an Error with what the last one said. */
function firstRun(
  program: Program,
  contestant: Contestant,
  environment: Record<string, string>,
  directory: string,
  limit: number,
): { attempt: Attempt; wall: number } {
  let attempt = contestant.attempt(program, directory);
  for (;;) {
    const limited = attempt.commands.map((words) => ["/usr/bin/timeout", "-s", "KILL", String(limit), ...words]);
    const runs = runAll({ ...attempt, commands: limited }, environment, directory);
    const wrong = mistake(runs, attempt);
    if (wrong === undefined) return { attempt, wall: runs.reduce((sum, { wall }) => sum + wall, 0) };
    const { stderr, wall } = runs.at(-1)!;
    const next = contestant.retry?.(program, directory, stderr);
    if (next === undefined) throw wall < 1000 * limit ? new Error(wrong) : endless(stderr, limit);
    attempt = next;
  }
}

function endless(stderr: string, limit: number): Error {
  const said = errorIn(stderr);
  if (said === undefined) return new EndlessError(`no end after ${limit} s`);
  return new Error(`${said}, and no end after ${limit} s`);
}

/** One after the other; none after one that failed. */
function runAll({ commands }: Attempt, environment: Record<string, string>, directory: string): Run[] {
  const runs: Run[] = [];
  for (const words of commands) {
    runs.push(measure({ words, environment }, directory));
    if (runs.at(-1)!.status !== 0) break;
  }
  return runs;
}

function record(result: Result, runs: readonly Run[], attempt: Attempt): void {
  const wrong = mistake(runs, attempt);
  if (wrong !== undefined)
    throw new Error(`${result.contestant.name}, after ${result.wall.length} runs that went well: ${wrong}`);
  const sum = (of: (run: Run) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const cpu = sum((run) => run.cpu);
  result.wall.push(sum((run) => run.wall));
  result.cpu.push(cpu);
  const orphan = attempt.executorIsOrphan ? runs[0].orphansCpu : undefined;
  const executor = result.counters?.executorCpu ?? orphan ?? runs[1]?.cpu;
  if (executor === undefined) return;
  result.executorCpu.push(executor);
  result.controllerCpu.push(cpu - executor);
}

/** What a run did wrong, in one line: a fast failure is no result. */
export function mistake(runs: readonly Run[], { commands, stdout }: Attempt): string | undefined {
  const last = runs.at(-1)!;
  const isWhole = runs.length === commands.length;
  if (last.status === 0 && isWhole && last.stdout === stdout) return undefined;
  const said = errorIn(last.stderr) ?? last.stderr.trim().split("\n")[0].slice(0, MOST_SAID);
  if (last.status !== 0) return `status ${last.status}${said === "" ? "" : `: ${said}`}`;
  return `printed ${JSON.stringify(last.stdout.slice(0, 100))}, expected ${JSON.stringify(stdout)}`;
}

/** The line on which a program says what is wrong. */
function errorIn(stderr: string): string | undefined {
  const line = stderr.split("\n").find((text) => /\berror\b/i.test(text));
  return line?.slice(0, MOST_SAID);
}

/** The answer ends the measurement: CPU time per wall time of all processes but the measured ones and this one. */
function startDisturbance(): (results: readonly Result[]) => number | undefined {
  const own = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const before = { time: performance.now(), machine: machineCpuTime(), own: own() };
  return (results) => {
    const now = machineCpuTime();
    if (now === undefined || before.machine === undefined) return undefined;
    const measured = results.flatMap(({ cpu }) => cpu).reduce((sum, each) => sum + each, 0);
    const others = now - before.machine - measured - (own() - before.own);
    return Math.max(0, others / (performance.now() - before.time));
  };
}
