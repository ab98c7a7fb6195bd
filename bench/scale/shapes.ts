import type { Shape } from "./shape.ts";
import * as files from "./shapes/files.ts";
import { llvm } from "./shapes/llvm.ts";
import * as process from "./shapes/process.ts";
import * as relocations from "./shapes/relocations.ts";
import * as sections from "./shapes/sections.ts";
import * as symbols from "./shapes/symbols.ts";

/** Every shape: the plain ones first, then what only some linkers take in their stride. */
export const shapes: readonly Shape[] = [
  ...Object.values(relocations),
  ...Object.values(sections),
  ...Object.values(files),
  ...Object.values(symbols),
  ...Object.values(process),
  llvm,
];
