import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { type Case, COMPILER, compile, type Library, source } from "../case.ts";
import type { Requirement } from "../requirements.ts";

const root = "/usr/lib/llvm-22";
const config = `${root}/bin/llvm-config`;

/** A shared library by its file, so that the package with the name for linking is not needed. */
const byFile = (soname: string): Library => ({ name: `:${soname}`, soname });

const libraryOf = (file: string, name: string): Requirement => ({ file, package: name });

/** What a C++ program needs, and LLVM's archives with it. */
export const llvmLibraries: readonly Library[] = [
  { name: "stdc++", soname: "libstdc++.so.6" },
  { name: "m", soname: "libm.so.6" },
  byFile("libz.so.1"),
  byFile("libzstd.so.1"),
];

export const llvmRequirements: readonly Requirement[] = [
  COMPILER,
  { file: config, package: "llvm-22" },
  { file: `${root}/lib/libLLVMX86CodeGen.a`, package: "llvm-22-dev" },
  libraryOf("libz.so.1", "zlib1g"),
  libraryOf("libzstd.so.1", "libzstd1"),
];

/** Every static archive of LLVM's. */
export function allArchives(): string[] {
  const names = readdirSync(`${root}/lib`).filter((name) => /^libLLVM\w+\.a$/.test(name));
  return names.sort().map((name) => `${root}/lib/${name}`);
}

/** A compiler as one program: 1267 objects out of 58 archives, 972 k relocations, 46 MB; then it compiles one function. */
export const llvm: Case = {
  name: "llvm",
  description: "LLVM 22's X86 compiler from its static archives, compiles one function in memory",
  requirements: [...llvmRequirements, { file: "c++", package: "g++" }],
  prepare(directory) {
    const object = `${directory}/llvm.o`;
    compile(source("llvm.cc"), object, ["-fPIC", "-std=c++17", `-I${root}/include`]);
    const words = ["--link-static", "--libfiles", "x86codegen", "x86asmparser", "asmparser", "passes"];
    const { status, stdout, stderr } = spawnSync(config, words, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${config}: ${stderr}`);
    return {
      inputs: [object, ...stdout.trim().split(/\s+/)],
      libraries: llvmLibraries,
      arguments: [],
      stdout: "ELF mov $42, %eax; ret\n",
    };
  },
};
