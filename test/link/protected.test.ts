import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { compile, mustRun } from "../support/compile.ts";
import { modesUnderTest, runIn } from "../support/slablink.ts";
import { freshDirectory } from "../support/workspace.ts";

const library = `
int variable __attribute__((visibility("protected"))) = 3;
int function(void) __attribute__((visibility("protected")));
int function(void) { return variable; }
`;

for (const [name, flags, program] of [
  ["variable", "-fno-pic", "extern int variable; int main(void) { return variable; }"],
  ["variable", "-fPIE", "extern int variable; int main(void) { return variable; }"],
  ["function", "-fno-pic", "int function(void); int (*volatile f)(void); int main(void) { f = function; return f(); }"],
] as const) {
  test(`a protected ${name} of a library is not given a second address: ${flags}`, async () => {
    const directory = freshDirectory();
    const file = join(directory, "libprotected.so");
    const part = await compile(["gcc", "-fPIC"], "protected.c", library);
    await mustRun("gcc", ["-shared", "-o", file, part]);
    const object = await compile(["gcc", "-O1", flags], "program.c", program);
    for (const mode of modesUnderTest) {
      const { status, stderr } = await runIn(mode, [object, file]);
      assert.equal(status, 1, mode);
      assert.match(
        stderr,
        new RegExp(`code holds a 32-bit address of ${name}, which .*/libprotected.so exports as protected`),
      );
    }
  });
}
