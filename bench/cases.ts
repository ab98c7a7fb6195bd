import type { Case } from "./case.ts";
import { cpython, cpythonFixed } from "./cases/cpython.ts";
import { hello } from "./cases/hello.ts";
import { llvm } from "./cases/llvm.ts";
import { llvmArchives } from "./cases/llvm-archives.ts";
import { sqlite } from "./cases/sqlite.ts";
import { tinyObjects } from "./cases/tiny-objects.ts";

/** All cases, from the smallest. */
export const cases: readonly Case[] = [hello, tinyObjects, sqlite, cpython, cpythonFixed, llvm, llvmArchives];
