import type { Case } from "./case.ts";
import { cpython } from "./cases/cpython.ts";
import { hello } from "./cases/hello.ts";
import { sqlite } from "./cases/sqlite.ts";
import { tinyObjects } from "./cases/tiny-objects.ts";

/** All cases, from the smallest. */
export const cases: readonly Case[] = [hello, tinyObjects, sqlite, cpython];
