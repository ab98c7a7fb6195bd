import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { mustRun } from "../support/compile.ts";
import { type Outcome, run } from "../support/process.ts";
import { nothingLeft } from "../support/slablink.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

/** Words before a command that start it in another place. */
export type Wrapper = readonly string[];

/** A mount namespace of its own in which shell commands have changed something. */
export function withMounts(...commands: readonly string[]): Wrapper {
  return ["unshare", "-m", "sh", "-ec", `mount --make-rprivate /; ${commands.join("; ")}; exec "$@"`, "place"];
}

/** A process namespace of its own as well, whose sysctls are its own (vm.memfd_noexec). */
export function withSysctl(name: string, value: number): Wrapper {
  const path = `/proc/sys/${name.replaceAll(".", "/")}`;
  return ["unshare", "-p", "-f", "-m", "--mount-proc", "sh", "-ec", `echo ${value} > ${path}; "$@"`, "place"];
}

let refuser: Promise<string> | undefined;

async function buildRefuser(): Promise<string> {
  const path = join(freshDirectory(), "refuse");
  await mustRun("cc", ["-O1", "-Wall", "-Werror", join(packageRoot, "test/places/refuse.c"), "-o", path]);
  return path;
}

/** Numbers of system calls on x86-64, those that a strict seccomp profile may refuse. */
const systemCalls = {
  mremap: 25,
  personality: 135,
  prctl: 157,
  fallocate: 285,
  process_vm_readv: 310,
  process_vm_writev: 311,
  memfd_create: 319,
  pidfd_open: 434,
} as const;

/** Numbers of errors (errno(3)). */
export const refusals = { EPERM: 1, ENOSYS: 38 } as const;

/** A seccomp filter that refuses system calls. */
export async function withoutCalls(
  error: keyof typeof refusals,
  ...names: readonly (keyof typeof systemCalls)[]
): Promise<Wrapper> {
  refuser ??= buildRefuser();
  return [await refuser, String(refusals[error]), names.map((name) => systemCalls[name]).join(",")];
}

/** Runs `slablink run` there; fails if something is left behind. */
export async function runThere(
  wrapper: Wrapper,
  words: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<Outcome> {
  const temporary = freshDirectory();
  const mark = `place-${temporary}`;
  const before = new Set(readdirSync("/dev/shm"));
  const [program, ...rest] = [...wrapper, process.execPath, join(packageRoot, "bin/slablink"), "run", ...words];
  const outcome = await run(program, rest, { env: { TMPDIR: temporary, SLABLINK_TEST_MARK: mark, ...env } });
  await nothingLeft(`SLABLINK_TEST_MARK=${mark}`, temporary, before, /slablink/);
  return outcome;
}

/** Whether a wrapper works at all here. If not, the test is skipped; where CI=true, it fails. */
export async function isThere(test: TestContext, wrapper: Wrapper): Promise<boolean> {
  const [program, ...words] = [...wrapper, "true"];
  const { status, stderr } = await run(program, words);
  if (status === 0) return true;
  const text = `this place cannot be made here (it needs root, as CI has): ${stderr.trim()}`;
  if (process.env.CI === "true") throw new Error(text);
  test.skip(text);
  return false;
}
