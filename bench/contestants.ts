import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Program } from "./case.ts";
import { compilerFile, locate, type Requirement } from "./requirements.ts";

/** One way to link and run a program. */
export interface Contestant {
  readonly name: string;
  readonly requirements: readonly Requirement[];
  /** Takes part only with --all. */
  readonly optional?: boolean;
  /** The command line: an absolute path first. */
  command(program: Program, directory: string): string[];
}

const slablinkProgram = fileURLToPath(new URL("../../bin/slablink", import.meta.url));
const jitlink: Requirement = { file: "/usr/lib/llvm-22/bin/llvm-jitlink", package: "llvm-22" };
const jitlinkExecutor: Requirement = { file: "/usr/lib/llvm-22/bin/llvm-jitlink-executor", package: "llvm-22" };
const lld: Requirement = { file: "/usr/lib/llvm-22/bin/ld.lld", package: "lld-22" };
const mold: Requirement = { file: "mold", package: "mold" };

/** What the others are compared with: the ancestor, with the same inputs in the same arrangement. */
export const baseline: Contestant = {
  name: "llvm-jitlink, shared memory",
  requirements: [jitlink, jitlinkExecutor],
  command: (program) => jitlinkCommand(program, [`-oop-executor=${jitlinkExecutor.file}`, "-use-memmgr=shared"]),
};

/** The one whose benchmark this is. */
export const subject: Contestant = {
  name: "slablink",
  requirements: [],
  command: (program) => slablinkCommand(program, []),
};

export const contestants: readonly Contestant[] = [
  subject,
  baseline,
  {
    name: "slablink --memory=rpc",
    requirements: [],
    optional: true,
    command: (program) => slablinkCommand(program, ["--memory=rpc"]),
  },
  {
    name: "slablink --in-process",
    requirements: [],
    optional: true,
    command: (program) => slablinkCommand(program, ["--in-process"]),
  },
  {
    name: "llvm-jitlink, rpc",
    requirements: [jitlink, jitlinkExecutor],
    optional: true,
    command: (program) => jitlinkCommand(program, [`-oop-executor=${jitlinkExecutor.file}`]),
  },
  {
    name: "llvm-jitlink, in-process",
    requirements: [jitlink],
    optional: true,
    command: (program) => jitlinkCommand(program, []),
  },
  { name: "ld.lld + run", requirements: [lld], optional: true, command: (...of) => staticLink(lld, ...of) },
  { name: "mold + run", requirements: [mold], optional: true, command: (...of) => staticLink(mold, ...of) },
];

/** The words of a slablink run; `options` come first. */
export function slablinkCommand({ inputs, libraries, arguments: rest }: Program, options: readonly string[]): string[] {
  const names = libraries.map(({ name }) => `-l${name}`);
  return [process.execPath, slablinkProgram, "run", ...options, ...inputs, ...names, "--", ...rest];
}

function jitlinkCommand({ inputs, libraries, arguments: rest }: Program, options: readonly string[]): string[] {
  const preload = libraries.map(({ soname }) => `-preload=${soname}`);
  // Behind -args the first word is argv[0].
  return [jitlink.file, ...options, ...preload, ...inputs, "-args", "program", ...rest];
}

/** Links an ordinary executable with no compiler driver in between, and runs it. */
function staticLink(linker: Requirement, { inputs, libraries, arguments: rest }: Program, directory: string): string[] {
  const output = `${directory}/executable`;
  const start = ["Scrt1.o", "crti.o", "crtbeginS.o"].map((name) => compilerFile(name)!);
  const end = ["crtendS.o", "crtn.o"].map((name) => compilerFile(name)!);
  const libc = compilerFile("libc.so")!.replace(/\/[^/]*$/, "");
  const gcc = compilerFile("libgcc.a")!.replace(/\/[^/]*$/, "");
  const link = [
    ...["-pie", "-dynamic-linker", "/lib64/ld-linux-x86-64.so.2", "-o", output, `-L${gcc}`, `-L${libc}`],
    ...[...start, ...inputs, ...libraries.map(({ name }) => `-l${name}`), "-lc", "-lgcc", ...end],
  ];
  const response = `${output}.words`;
  writeFileSync(response, link.map((word) => `"${word}"\n`).join(""));
  return ["/bin/sh", "-c", '"$0" "@$1" && shift && exec "$@"', locate(linker)!, response, output, ...rest];
}
