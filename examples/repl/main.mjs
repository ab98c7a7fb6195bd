// Reads C, line by line: functions, which can be defined again, and expressions, whose values are shown.
//     node examples/repl/main.mjs
import { createInterface } from "node:readline";
import { Workbench } from "./workbench.mjs";

/** `int twice(int x) {…}`: the declaration, and the name in it. */
const FUNCTION = /^([\w\s*]+?\b(\w+)\s*\([^;{}]*\))\s*\{/;
/** What stands in front of functions. */
const DECLARATION = /^(#|typedef\b|(struct|union|enum)\s+\w+\s*\{)/;

const workbench = await Workbench.open();
const isTerminal = process.stdin.isTTY === true;
const lines = createInterface({ input: process.stdin, output: isTerminal ? process.stdout : undefined, prompt: "c> " });
try {
  let text = "";
  if (isTerminal) lines.prompt();
  for await (const line of lines) {
    text = `${text}${line}\n`;
    if (count(text, "{") <= count(text, "}")) {
      await take(text.trim()).catch((error) => console.log(`${error.name}: ${error.message}`));
      text = "";
    }
    if (isTerminal) lines.prompt();
  }
} finally {
  await workbench.close();
}

async function take(text) {
  if (text === "") return;
  const definition = FUNCTION.exec(text);
  if (definition !== null) {
    const [, declaration, name] = definition;
    const { isNew, compiled, linked } = await workbench.define(name, declaration.replace(/\s+/g, " "), text);
    const times = `compiled in ${compiled.toFixed(1)} ms, linked in ${linked.toFixed(1)} ms`;
    console.log(`${name} is ${isNew ? "defined" : "another one now"}: ${times}`);
  } else if (DECLARATION.test(text)) {
    await workbench.declare(text);
  } else {
    const value = await workbench.evaluate(text);
    if (value !== null) console.log(value);
  }
}

function count(text, character) {
  return text.split(character).length - 1;
}
