import type { Program } from "../case.ts";
import type { Attempt, Contestant } from "../contestant.ts";
import { compilerFile, type Requirement } from "../requirements.ts";
import { rejectedMembers } from "./jitlink-rejects.ts";
import { archiveWithout, type Dropped, ENTRY, makeSupplement } from "./jitlink-supplement.ts";

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

/** What llvm-jitlink cannot link of a program's archives, for those that it has failed on: archive → its members. */
const rejected = new WeakMap<Program, Dropped>();
const supplements = new WeakMap<Program, string>();

function contestant(name: string, options: readonly string[]): Contestant {
  const attempt = (program: Program, directory: string): Attempt => {
    const dropped = rejected.get(program) ?? (program.linkOnly ? reject(program) : undefined);
    const linkOnly = program.linkOnly || dropped !== undefined;
    const words = [jitlink.file, ...options];
    for (const { soname } of program.libraries) words.push(`-preload=${soname}`);
    if (linkOnly) words.push(`-entry=${ENTRY}`, supplementOf(program, dropped ?? new Map(), directory));
    for (const path of [...program.inputs, ...(program.wholeArchives ?? [])]) {
      const members = dropped?.get(path);
      words.push(members === undefined ? path : archiveWithout(path, members, directory));
    }
    // `atexit` and its like, which an ordinary link takes from there.
    if (linkOnly) words.push(compilerFile("libc_nonshared.a")!);
    // Behind -args the first word is argv[0].
    words.push("-args", "program", ...program.arguments);
    return {
      commands: [words],
      stdout: linkOnly ? "" : program.stdout,
      note: noteOf(program, dropped),
      executorIsOrphan: options.includes(outOfProcess),
    };
  };
  return {
    name,
    requirements: options.includes(outOfProcess) ? [jitlink, executor] : [jitlink],
    attempt,
    retry: (program, directory, stderr) => (learn(program, stderr) ? attempt(program, directory) : undefined),
  };
}

/** Whether another way is left after a failure for lack of a name (`__dso_handle` is an ordinary linker's) or of a relocation type. */
function learn(program: Program, stderr: string): boolean {
  if (rejected.has(program) || !/Unsupported .*relocation type|Symbols not found: /.test(stderr)) return false;
  reject(program);
  return true;
}

function reject(program: Program): Dropped {
  const archives = [...program.inputs, ...(program.wholeArchives ?? [])].filter((path) => path.endsWith(".a"));
  const found = archives.map((path) => [path, rejectedMembers(path)] as const).filter(([, { size }]) => size > 0);
  const dropped = new Map(found);
  rejected.set(program, dropped);
  return dropped;
}

/** Made once for all of llvm-jitlink's arrangements. */
function supplementOf(program: Program, dropped: Dropped, directory: string): string {
  const path = supplements.get(program) ?? makeSupplement(program, dropped, directory);
  supplements.set(program, path);
  return path;
}

function noteOf(program: Program, dropped: Dropped | undefined): string | undefined {
  if (dropped === undefined) return undefined;
  const members = [...dropped.values()].flatMap((names) => [...names]);
  const named = members.length <= 4 ? members.join(", ") : `${members.length} objects`;
  const without = members.length === 0 ? [] : [`without ${named}, which it rejects`];
  return [...(program.linkOnly ? [] : ["linked only"]), ...without].join(", ") || undefined;
}
