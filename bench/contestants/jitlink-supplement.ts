import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import type { Program } from "../case.ts";

/** Members of archives that are left out: archive → names. */
export type Dropped = ReadonlyMap<string, ReadonlySet<string>>;

/** The function that llvm-jitlink is told to call. */
export const ENTRY = "slablink_bench_entry";

/**
 * An object with which llvm-jitlink links a program that it does not run: a function that returns 0, beside references to
 * `main`, or to every member of archives that are linked as a whole, since it links only what its entry point needs; and
 * definitions in place of what it is spared (members that it rejects) and what an ordinary linker has (`__dso_handle`).
 */
export function makeSupplement(program: Program, dropped: Dropped, directory: string): string {
  const wanted = program.wholeArchives === undefined ? ["main"] : oneOfEachMember(program.wholeArchives, dropped);
  const lacking = [...dropped].flatMap(([archive, members]) => {
    return symbolsOf(archive).filter(({ member }) => members.has(member));
  });
  const names = new Set(lacking.map(({ name }) => name));
  const lines = [
    ".text",
    `.globl ${ENTRY}`,
    `${ENTRY}: lea references(%rip), %rax`,
    "xor %eax, %eax",
    "ret",
    ".data",
    "references:",
    ...wanted.map((name) => `.quad "${name}"`),
    ...["__dso_handle", ...names].flatMap((name) => [`.weak "${name}"`, `"${name}": .quad 0, 0`]),
    '.section .note.GNU-stack,"",@progbits',
  ];
  const path = `${directory}/supplement`;
  writeFileSync(`${path}.s`, `${lines.join("\n")}\n`);
  run("cc", ["-c", `${path}.s`, "-o", `${path}.o`]);
  return `${path}.o`;
}

/** A copy of the archive that lacks these members. */
export function archiveWithout(archive: string, members: ReadonlySet<string>, directory: string): string {
  const room = `${directory}/reduced`;
  const copy = `${room}/${members.size}-${basename(archive)}`;
  if (existsSync(copy)) return copy;
  mkdirSync(room, { recursive: true });
  copyFileSync(archive, copy);
  run("ar", ["d", copy, ...members]);
  return copy;
}

/** A name that each member defines and nobody else can. */
function oneOfEachMember(archives: readonly string[], dropped: Dropped): string[] {
  const names: string[] = [];
  for (const archive of archives) {
    const seen = new Set(dropped.get(archive));
    for (const { member, name, kind } of symbolsOf(archive)) {
      if (seen.has(member) || !"TDRB".includes(kind)) continue;
      seen.add(member);
      names.push(name);
    }
  }
  return names;
}

/** What an archive's members define; `kind` is nm's letter. */
function symbolsOf(archive: string): { member: string; name: string; kind: string }[] {
  const text = run("nm", ["--format=posix", "--print-file-name", "--defined-only", "--extern-only", archive]);
  return [...text.matchAll(/^\S*\[(.+?)\]: (\S+) (\S)/gm)].map(([, member, name, kind]) => ({ member, name, kind }));
}

function run(program: string, words: readonly string[]): string {
  const options = { encoding: "utf8", maxBuffer: 2 ** 30 } as const;
  const { status, error, stdout, stderr } = spawnSync(program, words, options);
  if (status === 0) return stdout;
  throw new Error(`${program} ${words.slice(0, 3).join(" ")}: ${error?.message ?? stderr.slice(0, 500)}`);
}
