import { readFileSync, writeFileSync } from "node:fs";
import { type Case, COMPILER, compile, source } from "../case.ts";

const digits = (number: number): string => String(number).padStart(4, "0");

/** How many objects there are unless --objects says otherwise. */
export const DEFAULT_OBJECTS = 1002;

/**
 * A main, a thousand objects of one function that calls the next one's, and a last: what a link costs per object. One
 * object is compiled; the others are that one with other digits in its names, which are equally long.
 */
export const tinyObjects: Case = {
  name: "tiny-objects",
  description: `${DEFAULT_OBJECTS} objects of one function each, which call each other in a chain`,
  requirements: [COMPILER],
  prepare(directory, { objects } = { objects: DEFAULT_OBJECTS }) {
    const links = objects - 2;
    const inputs = ["chain-main", "chain-last"].map((name) => {
      const last = `link_${digits(links)}`;
      compile(source(`${name}.c`), `${directory}/${name}.o`, ["-fPIC", `-Dlink_last=${last}`]);
      return `${directory}/${name}.o`;
    });
    compile(source("chain-link.c"), `${directory}/link.o`);
    const template = readFileSync(`${directory}/link.o`, "latin1");
    for (let i = 0; i < links; i++) {
      const path = `${directory}/link${digits(i)}.o`;
      const object = template
        .replaceAll("link_this", `link_${digits(i)}`)
        .replaceAll("link_next", `link_${digits(i + 1)}`);
      writeFileSync(path, object, "latin1");
      inputs.push(path);
    }
    const description = `${objects} objects of one function each, which call each other in a chain`;
    return { inputs, libraries: [], arguments: [], stdout: `${links}\n`, description };
  },
};
