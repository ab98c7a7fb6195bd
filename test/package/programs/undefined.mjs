// Runs a program that lacks a function, and with one that is defined as an address:  undefined.mjs OBJECT
import { runProgram, UndefinedSymbolsError } from "slablink";

const request = {
  items: [{ kind: "file", path: process.argv[2] }],
  libraryDirectories: [],
  mode: "executor",
  memory: "rpc",
  entry: "main",
  argv: ["undefined"],
  absolutes: [],
  aliases: [],
  processSymbols: true,
  placement: "low",
};
try {
  await runProgram(request);
} catch (error) {
  if (!(error instanceof UndefinedSymbolsError)) throw error;
  console.log(`${error.code}: ${error.symbols.map(({ name }) => name).join(", ")}`);
}
console.log(await runProgram({ ...request, aliases: [["square", "abs"]] }));
