import { writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Program } from "../case.ts";
import type { Contestant } from "../contestant.ts";
import { compilerFile, locate, type Requirement } from "../requirements.ts";

const lld: Requirement = { file: "/usr/lib/llvm-22/bin/ld.lld", package: "lld-22" };
const mold: Requirement = { file: "mold", package: "mold" };
const gcc: Requirement = { file: "gcc", package: "gcc" };

/** Linkers that write an executable, which then runs; gcc as a driver of its default linker, the others by themselves. */
export const linkers: readonly Contestant[] = [
  linker("ld.lld + run", lld, (program) => [...startFiles(program), ...inputWords(program), ...endFiles()]),
  linker("mold + run", mold, (program) => [...startFiles(program), ...inputWords(program), ...endFiles()]),
  linker("gcc + run", gcc, (program) => [program.fixedAddress ? "-no-pie" : "-pie", ...inputWords(program, "-Wl,")]),
];

function linker(name: string, requirement: Requirement, words: (program: Program) => string[]): Contestant {
  return {
    name,
    requirements: [requirement],
    attempt(program, directory) {
      const output = `${directory}/${name.split(" ")[0]}.executable`;
      const response = `${output}.words`;
      writeFileSync(response, ["-o", output, ...words(program)].map((word) => `"${word}"\n`).join(""));
      const link = [locate(requirement)!, `@${response}`];
      const commands = program.linkOnly ? [link] : [link, [output, ...program.arguments]];
      return { commands, stdout: program.stdout };
    },
  };
}

/** `prefix`: how a compiler's driver wants to be told that an option is the linker's. */
function inputWords({ inputs, wholeArchives = [], libraries }: Program, prefix = ""): string[] {
  const whole = [`${prefix}--whole-archive`, ...wholeArchives, `${prefix}--no-whole-archive`];
  return [...inputs, ...(wholeArchives.length > 0 ? whole : []), ...libraries.map(({ name }) => `-l${name}`)];
}

/** What a compiler's driver adds in front, for an executable that the C library's loader starts. */
function startFiles({ fixedAddress }: Program): string[] {
  const start = fixedAddress ? ["crt1.o", "crti.o", "crtbegin.o"] : ["Scrt1.o", "crti.o", "crtbeginS.o"];
  const directories = ["libgcc.a", "libc.so"].map((name) => `-L${dirname(compilerFile(name)!)}`);
  const kind = [fixedAddress ? "-no-pie" : "-pie", "-dynamic-linker", "/lib64/ld-linux-x86-64.so.2"];
  return [...kind, ...directories, ...start.map((name) => compilerFile(name)!)];
}

function endFiles(): string[] {
  const end = ["crtendS.o", "crtn.o"].map((name) => compilerFile(name)!);
  return ["-lc", "-lgcc", "--as-needed", "-lgcc_s", "--no-as-needed", ...end];
}
