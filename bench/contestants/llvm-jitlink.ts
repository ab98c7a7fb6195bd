import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { basename } from "node:path";
import type { Program } from "../case.ts";
import type { Attempt, Contestant } from "../contestant.ts";
import type { Requirement } from "../requirements.ts";

const jitlink: Requirement = { file: "/usr/lib/llvm-22/bin/llvm-jitlink", package: "llvm-22" };
const executor: Requirement = { file: "/usr/lib/llvm-22/bin/llvm-jitlink-executor", package: "llvm-22" };
const outOfProcess = `-oop-executor=${executor.file}`;

/** LLVM's own driver of its JIT linker, in each of its arrangements; it uses all cores unless it is told otherwise. */
export const jitlinkContestants: readonly Contestant[] = [
  contestant("llvm-jitlink shared", [outOfProcess, "-use-memmgr=shared"]),
  contestant("llvm-jitlink simple-remote", [outOfProcess, "-use-memmgr=simple-remote"]),
  contestant("llvm-jitlink generic", [outOfProcess, "-use-memmgr=generic"]),
  contestant("llvm-jitlink in-process", []),
  { ...contestant("llvm-jitlink shared/1", [outOfProcess, "-use-memmgr=shared", "-num-threads=1"]), optional: true },
  { ...contestant("llvm-jitlink shared/2", [outOfProcess, "-use-memmgr=shared", "-num-threads=2"]), optional: true },
  { ...contestant("llvm-jitlink generic/1", [outOfProcess, "-use-memmgr=generic", "-num-threads=1"]), optional: true },
  { ...contestant("llvm-jitlink in-process/1", ["-num-threads=1"]), optional: true },
];

/** What llvm-jitlink cannot link of a program's archives, found out by asking it: archive → its members. */
const rejected = new WeakMap<Program, Map<string, Set<string>>>();
/** Programs of which some names are defined by nothing that llvm-jitlink knows (`__dso_handle` is an ordinary linker's). */
const lackNames = new WeakSet<Program>();

function contestant(name: string, options: readonly string[]): Contestant {
  const attempt = (program: Program, directory: string): Attempt => {
    const dropped = rejected.get(program) ?? new Map<string, Set<string>>();
    const linkOnly = program.linkOnly || dropped.size > 0;
    const phony = lackNames.has(program) || dropped.size > 0;
    const words = [jitlink.file, ...options];
    if (linkOnly) words.push("-noexec");
    if (phony) words.push("-phony-externals");
    if (program.wholeArchives !== undefined) words.push("-all_load");
    for (const { soname } of program.libraries) words.push(`-preload=${soname}`);
    for (const path of [...program.inputs, ...(program.wholeArchives ?? [])]) {
      words.push(dropped.has(path) ? without(path, dropped.get(path)!, directory) : path);
    }
    // Behind -args the first word is argv[0].
    words.push("-args", "program", ...program.arguments);
    return { commands: [words], stdout: linkOnly ? "" : program.stdout, note: noteOf(program, dropped, phony) };
  };
  return {
    name,
    requirements: options.includes(outOfProcess) ? [jitlink, executor] : [jitlink],
    attempt,
    retry: (program, directory, _failed, stderr) => {
      return learn(program, stderr) ? attempt(program, directory) : undefined;
    },
  };
}

/** Notes what a failed run says it cannot do; true when there is something new. */
function learn(program: Program, stderr: string): boolean {
  const dropped = rejected.get(program) ?? new Map<string, Set<string>>();
  rejected.set(program, dropped);
  let isNew = false;
  for (const [, archive, member] of stderr.matchAll(/In (\/\S+?\.a)\[\d+\]\((.+?)\): /g)) {
    const members = dropped.get(archive) ?? new Set<string>();
    if (members.has(member)) continue;
    isNew = true;
    dropped.set(archive, members.add(member));
  }
  if (isNew || lackNames.has(program) || !/Symbols not found: /.test(stderr)) return isNew;
  lackNames.add(program);
  return true;
}

function noteOf(program: Program, dropped: ReadonlyMap<string, Set<string>>, phony: boolean): string | undefined {
  const notes: string[] = [];
  if (dropped.size > 0) {
    const members = [...dropped.values()].flatMap((names) => [...names]);
    const named = members.length <= 3 ? members.join(", ") : `${members.length} objects`;
    notes.push(`without ${named}, which it rejects`);
    if (!program.linkOnly) notes.push("hence linked only");
  }
  if (phony) notes.push("undefined names taken as 0");
  return notes.length === 0 ? undefined : notes.join(", ");
}

/** A copy of the archive that lacks these members. */
function without(archive: string, members: ReadonlySet<string>, directory: string): string {
  const room = `${directory}/reduced`;
  const copy = `${room}/${members.size}-${basename(archive)}`;
  if (existsSync(copy)) return copy;
  mkdirSync(room, { recursive: true });
  copyFileSync(archive, copy);
  const { status, stderr } = spawnSync("ar", ["d", copy, ...members], { encoding: "utf8" });
  if (status !== 0) throw new Error(`ar d ${copy}: ${stderr}`);
  return copy;
}
