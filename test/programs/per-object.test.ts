// The experiment's baseline lays programs out in its own way: what depends on the layout, once more in that.
import { testPrograms } from "../support/programs.ts";

const programs = [
  ...["alignment.c", "big-alignment.c", "code-models.c", "comdat.cc", "common.c", "exceptions-kinds.cc"],
  ...["frame-table.c", "function-sections.c", "ifunc-everywhere.c", "init-kinds.c", "init-sections.c"],
  ...["interposed-malloc.c", "library-data.c", "linker-symbols.c", "relocations.c", "start-stop-mixed.c", "statics.cc"],
  ...["thread-local.cc", "tls-shapes.c", "virtual.cc", "writable-code-throws.cc"],
];

testPrograms("test/programs", programs, ["per-object"]);
