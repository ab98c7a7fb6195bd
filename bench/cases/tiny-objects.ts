import { readFileSync, writeFileSync } from "node:fs";
import { type Case, COMPILER, compile, source } from "../case.ts";

const LINKS = 1000;
const digits = (number: number): string => String(number).padStart(4, "0");

/**
 * A main, a thousand objects of one function that calls the next one's, and a last: what a link costs per object. One
 * object is compiled; the others are that one with other digits in its names, which are equally long.
 */
export const tinyObjects: Case = {
  name: "tiny-objects",
  description: "1002 objects of one function each, which call each other in a chain",
  requirements: [COMPILER],
  prepare(directory) {
    const inputs = ["chain-main", "chain-last"].map((name) => {
      compile(source(`${name}.c`), `${directory}/${name}.o`);
      return `${directory}/${name}.o`;
    });
    compile(source("chain-link.c"), `${directory}/link.o`);
    const template = readFileSync(`${directory}/link.o`, "latin1");
    for (let i = 0; i < LINKS; i++) {
      const path = `${directory}/link${digits(i)}.o`;
      const object = template
        .replaceAll("link_this", `link_${digits(i)}`)
        .replaceAll("link_next", `link_${digits(i + 1)}`);
      writeFileSync(path, object, "latin1");
      inputs.push(path);
    }
    return { inputs, libraries: [], arguments: [], stdout: `${LINKS}\n` };
  },
};
