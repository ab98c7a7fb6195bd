// npm run bench:scale: how the time of a link grows with what is linked. README.md in bench/ says how to read it.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeMachine } from "../machine.ts";
import { absence, locate } from "../requirements.ts";
import { type Curve, formatCurve, type Measured } from "./growth.ts";
import { parseScaleOptions, type ScaleOptions, usage } from "./options.ts";
import { linkByLld, linkBySlablink, type Point } from "./run.ts";
import type { ScaleProgram, Shape } from "./shape.ts";
import { shapes } from "./shapes.ts";

const LLD = { file: "/usr/lib/llvm-22/bin/ld.lld", package: "lld-22" };

try {
  main(parseScaleOptions(process.argv.slice(2)));
} catch (error) {
  console.error(`scale: ${(error as Error).message}`);
  process.exitCode = 1;
}

function main(options: ScaleOptions): void {
  if (options.help) process.stdout.write(usage);
  else if (options.list) for (const { name, description } of shapes) console.log(`${name.padEnd(18)} ${description}`);
  else scale(options);
}

function scale(options: ScaleOptions): void {
  const { filters, json } = options;
  const chosen = shapes.filter(({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter)));
  if (chosen.length === 0) throw new Error(`no shape matches ${filters.join(", ")}; see --list`);
  const machine = describeMachine();
  if (!json) {
    const { processor, cores, memoryGiB, distribution, node } = machine;
    console.log(`${processor}, ${cores} cores, ${memoryGiB} GiB; ${distribution}; Node ${node}`);
  }
  const workspace = mkdtempSync(join(tmpdir(), "slablink-scale-"));
  process.on("exit", () => rmSync(workspace, { recursive: true, force: true }));
  const curves: Curve[] = [];
  for (const shape of chosen) {
    const curve = measureShape(shape, options, workspace);
    curves.push(curve);
    if (!json) process.stdout.write(formatCurve(curve, options.phases));
    if (curve.trouble !== undefined) process.exitCode = 1;
  }
  if (json) console.log(JSON.stringify({ machine, curves }, undefined, 2));
}

function measureShape(shape: Shape, options: ScaleOptions, workspace: string): Curve {
  const { name, description, unit } = shape;
  const lacking = absence(shape.requirements ?? []);
  if (lacking !== undefined) return { name, description, unit, points: [], trouble: `left out: ${lacking}` };
  const points: Measured[] = [];
  try {
    for (const size of shape.sizes) {
      const n = shape.isFixed ? size : Math.ceil(size / options.divisor);
      points.push(measureSize(shape, n, options, workspace));
    }
  } catch (error) {
    return { name, description, unit, points, trouble: (error as Error).message };
  }
  return { name, description, unit, points, trouble: undefined };
}

function measureSize(shape: Shape, size: number, options: ScaleOptions, workspace: string): Measured {
  const directory = join(workspace, `${shape.name}-${size}`);
  mkdirSync(directory);
  try {
    const program = make(shape, size, directory);
    const slablink = fastest(options.runs, () => linkBySlablink(program, directory, options.slablink));
    return { size, units: program.units ?? size, slablink, lld: reference(program, directory, options) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Makes the inputs in another process: see make.ts. */
function make({ name }: Shape, size: number, directory: string): ScaleProgram {
  const script = fileURLToPath(new URL("./make.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, name, `${size}`, directory], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`making ${name} of ${size}: ${stderr}`);
  const { failure, ...program } = JSON.parse(stdout);
  return failure === undefined ? program : { ...program, failure: new RegExp(failure) };
}

function reference(program: ScaleProgram, directory: string, { lld, runs }: ScaleOptions): Point | undefined {
  const path = lld ? locate(LLD) : undefined;
  if (path === undefined) return undefined;
  const first = linkByLld(path, program, directory);
  return first === undefined ? undefined : fastest(runs - 1, () => linkByLld(path, program, directory)!, first);
}

/** What disturbs a run makes it slower, never faster. */
function fastest(runs: number, run: () => Point, known?: Point): Point {
  let best = known;
  for (let i = 0; i < runs; i++) {
    const point = run();
    if (best === undefined || point.cpu < best.cpu) best = point;
  }
  return best!;
}
