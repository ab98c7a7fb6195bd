import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "./compile.ts";
import { freshDirectory } from "./workspace.ts";

/** The object of a C source; `flags` go to gcc. */
export function objectOf(text: string, flags: readonly string[] = ["-O1"], name = "test.c"): Promise<string> {
  return compile(["gcc", ...flags], name, text);
}

/** A file with these contents in a directory of its own. */
export function fileOf(name: string, contents: string | Uint8Array): string {
  const path = join(freshDirectory(), name);
  writeFileSync(path, contents);
  return path;
}

/** A program that prints a text and succeeds. */
export const hello = `#include <stdio.h>
int main(int argc, char **argv) {
  printf("hello from %s, %d\\n", argv[0], argc);
  return 0;
}
`;
