import { type Case, COMPILER, compile, source } from "../case.ts";

const directory = "/usr/lib/python3.11/config-3.11-x86_64-linux-gnu";

/** The interpreter as one archive: 178 objects, 143 k relocations, 6.5 MB of contents; then it computes one sum. */
export const cpython: Case = {
  name: "cpython",
  description: "CPython 3.11 from libpython3.11-pic.a, -c 'print(sum(range(10)))'",
  ...interpreter(`${directory}/libpython3.11-pic.a`, "-fPIC"),
};

/** The same as most distributions' executables have it: code that must lie below 2 GiB. */
export const cpythonFixed: Case = {
  name: "cpython-nopic",
  description: "CPython 3.11 from libpython3.11.a, which is not position-independent",
  ...interpreter(`${directory}/libpython3.11.a`, "-fno-pic"),
};

function interpreter(archive: string, code: "-fPIC" | "-fno-pic"): Pick<Case, "requirements" | "prepare"> {
  return {
    requirements: [COMPILER, { file: archive, package: "libpython3.11-dev" }],
    prepare(room) {
      const object = `${room}/python.o`;
      compile(source("python.c"), object, [code]);
      return {
        inputs: [object, archive],
        libraries: [
          { name: "expat", soname: "libexpat.so.1" },
          { name: "z", soname: "libz.so.1" },
          { name: "m", soname: "libm.so.6" },
        ],
        arguments: ["-c", "print(sum(range(10)))"],
        stdout: "45\n",
        fixedAddress: code === "-fno-pic",
      };
    },
  };
}
