// Native code crashes, and later never ends; this process goes on, knows where it was, and calls it again.
//     node examples/survive-a-crash/main.mjs
import { ExecutorError, instantiate } from "slablink";

const parser = await instantiate(new URL("parser.c", import.meta.url), {
  isolated: true,
  restart: true,
  flags: ["-g", "-O1", "-fno-optimize-sibling-calls", "-fno-inline"],
  exports: { add_up: "int add_up(const char *)", collatz: "int collatz(unsigned int)" },
});
const { add_up, collatz } = parser.exports;
try {
  console.log(`add_up("+40+5-3") = ${await add_up("+40+5-3")}`);

  // A crash is a rejected promise, which has the backtrace as data.
  try {
    await add_up("");
  } catch (error) {
    if (!(error instanceof ExecutorError)) throw error;
    console.log(`add_up(""): ${error.signal}, ${error.end.crash.cause}`);
    for (const { function: name, file, line } of error.frames) {
      if (line !== undefined) console.log(`    ${name} at ${file.split("/").at(-1)}:${line}`);
    }
  }

  // The next call starts another process and links the parser into it.
  console.log(`add_up("+1-2") = ${await add_up("+1-2")}`);
  console.log(`collatz(27) = ${await collatz(27)}`);

  // A time limit ends what would never end.
  try {
    await collatz.with({ timeout: 200 })(0);
  } catch (error) {
    console.log(`collatz(0): ${error.name}: ${error.message}`);
  }
  console.log(`collatz(7) = ${await collatz(7)}`);

  // So does a signal, whoever gives it.
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("nobody wants to know any more")), 100);
  try {
    await collatz.with({ signal: controller.signal })(0);
  } catch (error) {
    console.log(`collatz(0): ${error.name}: ${error.message}`);
  }
  console.log(`collatz(97) = ${await collatz(97)}`);
} finally {
  await parser.dispose();
}
