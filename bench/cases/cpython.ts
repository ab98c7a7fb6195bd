import { type Case, COMPILER, compile, source } from "../case.ts";

const archive = "/usr/lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11-pic.a";

/** The interpreter as one archive: 178 objects, 143 k relocations, 6.5 MB of contents; then it computes one sum. */
export const cpython: Case = {
  name: "cpython",
  description: "CPython 3.11 from libpython3.11-pic.a, -c 'print(sum(range(10)))'",
  requirements: [COMPILER, { file: archive, package: "libpython3.11-dev" }],
  prepare(directory) {
    const object = `${directory}/python.o`;
    compile(source("python.c"), object);
    return {
      inputs: [object, archive],
      libraries: [
        { name: "expat", soname: "libexpat.so.1" },
        { name: "z", soname: "libz.so.1" },
        { name: "m", soname: "libm.so.6" },
      ],
      arguments: ["-c", "print(sum(range(10)))"],
      stdout: "45\n",
    };
  },
};
