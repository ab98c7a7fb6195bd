import assert from "node:assert/strict";
import { copyFileSync, cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runAsTold } from "../examples/run-example.ts";
import { compile } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";
import { majors, nodeReleases } from "./node-releases.ts";
import { install, pack } from "./support.ts";

/** A program of the outside project: it knows nothing but the package's name. */
interface OutsideProgram {
  /** From the package's root. */
  readonly source: string;
  readonly words: readonly string[];
  /** Its standard output. */
  readonly expected: string;
}

const square = await compile(["cc", "-O2"], "square.c", "int square(int n) { return n * n; }\n");
const weighText = `void seen(int);
double weights[2] = {1, 1};
double weigh(int n) { seen(n); return weights[0] * n + weights[1]; }
`;
const weigh = await compile(["cc", "-O2"], "weigh.c", weighText);
const lacking = await compile(["cc"], "lacking.c", "int square(int); int main(void) { return square(-12); }\n");

const programs: readonly OutsideProgram[] = [
  { source: "examples/session.mjs", words: [square, "square", "12"], expected: "square(12) = 144\n" },
  {
    source: "test/package/programs/instantiate.mjs",
    words: [weigh],
    expected: "seen 4\nseen 2\nhere 6.5 4.5\nseen 4\nseen 2\nisolated 6.5 4.5\n",
  },
  {
    source: "test/package/programs/undefined.mjs",
    words: [lacking],
    expected: "undefined-symbol: square\n{ status: 12 }\n",
  },
];

/** Examples that are run there as their READMEs say, and what in their output differs from run to run. */
const examples: readonly (readonly [name: string, vague?: RegExp])[] = [
  ["callback"],
  ["survive-a-crash"],
  ["count-calls"],
  ["image-filter", /\d[\d.]* ms/g],
];

const project = freshDirectory();

test("a project outside installs the tarball with install scripts blocked", async (context) => {
  const tarball = await pack();
  if (!(await install(context, project, [tarball.path]))) return;
  assert.deepEqual(
    readdirSync(join(project, "node_modules"))
      .filter((name) => !name.startsWith("."))
      .sort(),
    ["@koromix", "koffi", "slablink"],
  );

  await context.test("its types hold under the strictest settings", async () => {
    copyFileSync(join(packageRoot, "test/package/programs/typed.ts"), join(project, "typed.ts"));
    const strict = [
      "--strict",
      "--exactOptionalPropertyTypes",
      "--noUncheckedIndexedAccess",
      "--skipLibCheck",
      "false",
    ];
    const words = [
      ...["--noEmit", "--target", "es2022", "--lib", "es2023,esnext.disposable", "--module", "nodenext"],
      ...["--typeRoots", join(packageRoot, "node_modules/@types"), "--types", "node", ...strict, "typed.ts"],
    ];
    const { status, stdout } = await run(join(packageRoot, "node_modules/.bin/tsc"), words, { cwd: project });
    assert.equal(status, 0, stdout);
  });

  await context.test("programs there run", async (part) => {
    const releases = await nodeReleases(part);
    if (releases === undefined) return;
    assert.deepEqual(
      releases.map(({ version }) => Number(/^v(\d+)\./.exec(version)?.[1])),
      [...majors],
    );
    for (const { version, path } of releases) {
      for (const { source, words, expected } of programs) {
        await part.test(`${source} on Node ${version}`, async () => {
          const name = source.replaceAll("/", "-");
          copyFileSync(join(packageRoot, source), join(project, name));
          const { status, stdout, stderr } = await run(path, [name, ...words], { cwd: project });
          assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: expected, stderr: "" });
        });
      }
      for (const [name, vague] of examples) {
        await part.test(`examples/${name} on Node ${version}`, async () => {
          cpSync(join(packageRoot, "examples", name), join(project, "examples", name), { recursive: true });
          await runAsTold(name, vague, { node: path, directory: project });
        });
      }
      await part.test(`slablink run on Node ${version}`, async () => {
        const words = ["node_modules/.bin/slablink", "run", "--alias=square=abs", lacking];
        const { status, stdout, stderr } = await run(path, words, { cwd: project });
        assert.deepEqual({ status, stdout, stderr }, { status: 12, stdout: "", stderr: "" });
      });
    }
  });
});
