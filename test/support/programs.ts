import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { compile, compileIn, compilerFor, mustRun, otherLanguages } from "./compile.ts";
import { parseTestProgram, type TestProgram } from "./directives.ts";
import { type Outcome, run } from "./process.ts";
import { type Mode, modesUnderTest, modes as modeWords, slablink } from "./slablink.ts";
import { findLibrary, has } from "./tools.ts";
import { freshDirectory, packageRoot } from "./workspace.ts";

/**
 * Declares a test for each program of a directory whose name ends in one of the endings: each variant of it is linked and
 * run by the compiler's own linker, and has to do the same under slablink in every mode.
 * `PROGRAMS=qsort,tls` in the environment chooses those whose names hold one of the words.
 */
export function testPrograms(
  directory: string,
  endings: readonly string[],
  modes: readonly Mode[] = modesUnderTest,
): void {
  const chosen = process.env.PROGRAMS?.split(",");
  const sources = join(packageRoot, directory);
  for (const name of readdirSync(sources).sort()) {
    if (!endings.some((ending) => name.endsWith(ending))) continue;
    if (chosen !== undefined && !chosen.some((word) => name.includes(word))) continue;
    const program = parseTestProgram(name, readFileSync(join(sources, name), "utf8"));
    // Two at a time: the machine's other core compiles while one runs.
    test(name, { concurrency: 2 }, async (t) => {
      const variants = program.variants.flatMap((compiler) => {
        if (program.inputs.length === 0) return [{ compiler, name: compiler.join(" ") }];
        return program.inputs.map((inputs) => ({ compiler, inputs, name: [...compiler, "|", ...inputs].join(" ") }));
      });
      await Promise.all(
        variants.map((variant) => t.test(variant.name, (v) => testVariant(v, program, variant, modes))),
      );
    });
  }
}

/** One way to compile and link a program. */
export interface Variant {
  readonly compiler: readonly string[];
  /** All objects if absent. */
  readonly inputs?: readonly string[];
}

/** A program that has been compiled, and what it does when the compiler's own linker has linked it. */
export interface PreparedProgram {
  readonly program: TestProgram;
  readonly inputs: readonly string[];
  readonly directory: string;
  readonly reference: Outcome;
}

/** Compiles one variant of a program and runs the reference's link of it; undefined when a tool is missing and the test is skipped. */
export async function prepareProgram(
  t: TestContext,
  program: TestProgram,
  variant: Variant,
): Promise<PreparedProgram | undefined> {
  const words = [...(variant.inputs ?? []), ...program.link];
  const libraries = words.flatMap((word) => (word.startsWith("lib:") ? [word.slice(4)] : []));
  if (!has(t, compilerFor(variant.compiler[0], program.name), ...program.needs, ...libraries)) return undefined;
  const directory = freshDirectory();
  const objects: string[] = [];
  for (const file of program.files) writeFileSync(join(directory, file.name), file.text);
  for (const file of program.files) {
    if (otherLanguages.test(file.name)) {
      objects.push(await compileIn(directory, variant.compiler, file.name));
    } else if (/\.(c|cc|s|S)$/.test(file.name)) {
      const object = await compile(variant.compiler, file.name, file.text);
      objects.push(basename(object));
      copyFileSync(object, join(directory, basename(object)));
    }
  }
  for (const [tool, ...words] of program.before) await mustRun(tool, words, directory);
  const inputs = [...(variant.inputs === undefined ? objects : []), ...words].map((word) => {
    return word.startsWith("lib:") ? findLibrary(word.slice(4))! : word;
  });

  const reference = await runReference(program, variant.compiler, inputs, directory);
  assert.equal(reference.status, program.status, `the reference's own status\n${reference.stdout}${reference.stderr}`);
  return { program, inputs, directory, reference };
}

async function testVariant(
  t: TestContext,
  program: TestProgram,
  variant: Variant,
  modes: readonly Mode[],
): Promise<void> {
  const prepared = await prepareProgram(t, program, variant);
  if (prepared === undefined) return;
  for (const mode of modes) {
    if (program.only.length > 0 && !program.only.includes(mode)) continue;
    await t.test(mode, async () => {
      const outcome = await runPrepared(prepared, modeWords[mode]);
      const lines = program.warnings.map((text) => `slablink: warning: ${text}\n`).join("");
      assert.ok(outcome.stderr.startsWith(lines), `expected first on stderr:\n${lines}got:\n${outcome.stderr}`);
      sameOutcome({ ...outcome, stderr: outcome.stderr.slice(lines.length) }, prepared.reference);
    });
  }
}

/** What both runs of a program are started with. */
function surroundings(program: TestProgram, directory: string) {
  return { cwd: directory, stdin: program.stdin, env: { ...program.env } };
}

async function runReference(
  program: TestProgram,
  compiler: readonly string[],
  inputs: readonly string[],
  directory: string,
): Promise<Outcome> {
  const executable = join(directory, "reference");
  const isCxx = program.files.some((file) => file.name.endsWith(".cc"));
  const driver = compilerFor(compiler[0], isCxx ? "x.cc" : "x.c");
  // Only position-independent code can become what these compilers link by default.
  const position = compiler.some((word) => /^-fno-pi[ce]$|^-mcmodel=(medium|large)$/i.test(word)) ? ["-no-pie"] : [];
  await mustRun(driver, ["-o", executable, ...position, ...program.reference, ...inputs], directory);
  return run(executable, program.args, { ...surroundings(program, directory), argv0: program.argv0 ?? inputs[0] });
}

/** Links and runs it by slablink, `how` in front of the inputs. */
export function runPrepared({ program, inputs, directory }: PreparedProgram, how: readonly string[]): Promise<Outcome> {
  const argv0 = program.argv0 === undefined ? [] : ["--argv0", program.argv0];
  const isCxx = program.files.some((file) => file.name.endsWith(".cc"));
  const libraries = isCxx ? ["-lstdc++", "-lm", "-lgcc_s"] : [];
  const words = [...argv0, ...program.slablink, ...inputs, ...libraries, "--", ...program.args];
  return slablink(["run", ...how, ...words], surroundings(program, directory));
}

/** Fails unless a program under slablink did what it did under its reference: output, error output and status. */
export function sameOutcome(actual: Outcome, reference: Outcome): void {
  // The only lines that are ours: how the program ended, when that was a signal, and where it crashed.
  const stderr = actual.stderr.replace(/^slablink: program ended by SIG[A-Z0-9]+.*\n(slablink: {3}.*\n)*/m, "");
  assert.deepEqual({ ...actual, stderr }, reference);
}
