import { type Case, compile, source } from "../case.ts";
import { allArchives, llvmLibraries, llvmRequirements } from "./llvm.ts";

/** Libraries that LLVM's archives refer to, and their packages, which llvm-22-dev brings in. */
const others: readonly (readonly [soname: string, debian: string])[] = [
  ["libz3.so.4", "libz3-4"],
  ["libxml2.so.2", "libxml2"],
  ["libcurl.so.4", "libcurl4"],
  ["libedit.so.2", "libedit2"],
  ["libffi.so.8", "libffi8"],
  ["libpfm.so.4", "libpfm4"],
];

/**
 * All that there is, at once: 3 096 objects, 2.3 million relocations, 144 MB of contents. Linked only: the parts of several
 * programs among them register the same options, so that it would end as soon as it begins, whoever links it.
 */
export const llvmArchives: Case = {
  name: "llvm-archives",
  description: "all members of LLVM 22's 231 static archives, linked only",
  requirements: [...llvmRequirements, ...others.map(([file, name]) => ({ file, package: name }))],
  prepare(directory) {
    const object = `${directory}/main.o`;
    compile(source("llvm-archives.c"), object);
    return {
      inputs: [object],
      wholeArchives: allArchives(),
      libraries: [...llvmLibraries, ...others.map(([soname]) => ({ name: `:${soname}`, soname }))],
      arguments: [],
      stdout: "",
      linkOnly: true,
    };
  },
};
