import { type Case, COMPILER, compile, source } from "../case.ts";

/** The least there is: what start-up, executor and one link job cost by themselves. */
export const hello: Case = {
  name: "hello",
  description: "an empty C program",
  requirements: [COMPILER],
  prepare(directory) {
    const object = `${directory}/hello.o`;
    compile(source("hello.c"), object);
    return { inputs: [object], libraries: [], arguments: [], stdout: "" };
  },
};
