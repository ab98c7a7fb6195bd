import { type Case, COMPILER, compile, source } from "../case.ts";
import { locate, type Requirement } from "../requirements.ts";

const archive: Requirement = { file: "libsqlite3.a", package: "libsqlite3-dev" };

/** One large object (1.3 MB of code, 30 k relocations) and a thousand rows in a database in memory. */
export const sqlite: Case = {
  name: "sqlite",
  description: "SQLite from libsqlite3.a, a thousand rows in memory",
  requirements: [COMPILER, archive],
  prepare(directory) {
    const object = `${directory}/sqlite.o`;
    compile(source("sqlite.c"), object);
    return {
      inputs: [object, locate(archive)!],
      libraries: [{ name: "m", soname: "libm.so.6" }],
      arguments: [],
      stdout: "499500\n",
    };
  },
};
