import type { Program } from "./case.ts";
import { type Contestant, subject } from "./contestants.ts";
import { machineCpuTime } from "./machine.ts";
import { measure, type Run } from "./measure.ts";

/** The runs of one contestant, one for each round. */
export interface Result {
  readonly contestant: Contestant;
  readonly wall: number[];
  readonly cpu: number[];
}

/** What a measured process sees: this environment without what would slow Node down or change what it does. */
export function cleanEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith("NODE_") && !name.startsWith("npm_")) environment[name] = value;
  }
  return environment;
}

/** All contestants in one program. */
export interface Competition {
  readonly results: readonly Result[];
  /** Who could not take part, and why. */
  readonly failures: readonly string[];
  /** CPU time that other processes used meanwhile, as a part of one core; undefined where the system does not say. */
  readonly disturbance: number | undefined;
}

/**
 * Runs every contestant once per round, in turn, and checks each time that the program did what it should. One round
 * before the first fills the caches, and shows which peers cannot link the program at all. The order turns from round to
 * round, so that nobody always follows the same. Throws when slablink itself fails, or a peer that could do it before.
 */
export function compete(
  program: Program,
  contestants: readonly Contestant[],
  rounds: number,
  directory: string,
): Competition {
  const environment = cleanEnvironment();
  const failures: string[] = [];
  const able: { words: string[]; result: Result }[] = [];
  for (const contestant of contestants) {
    const words = contestant.command(program, directory);
    try {
      check(measure({ words, environment }, directory), program, contestant);
      able.push({ words, result: { contestant, wall: [], cpu: [] } });
    } catch (error) {
      if (contestant === subject) throw error;
      failures.push((error as Error).message.split("\n", 2).join(" "));
    }
  }
  const stopwatch = startDisturbance();
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < able.length; i++) {
      const { result, words } = able[(i + round) % able.length];
      const run = measure({ words, environment }, directory);
      check(run, program, result.contestant);
      result.wall.push(run.wall);
      result.cpu.push(run.cpu);
    }
  }
  const results = able.map(({ result }) => result);
  return { results, failures, disturbance: stopwatch(results) };
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

/** Throws an Error when a run did not give the program's output; a fast failure is no result. */
export function check(run: Run, program: Program, contestant: Contestant): void {
  if (run.status === 0 && run.stdout === program.stdout) return;
  const expected = `status 0 and ${JSON.stringify(program.stdout)}`;
  const found = `status ${run.status} and ${JSON.stringify(run.stdout.slice(0, 200))}`;
  throw new Error(`${contestant.name}: ${found}, expected ${expected}\n${run.stderr.slice(0, 2000)}`);
}
