// node make.js SHAPE SIZE DIRECTORY: writes the inputs of one size and prints what they are as JSON. A process of its own, since the
// kernel counts the memory of whoever starts a process among that process's peak.
import type { ScaleProgram } from "./shape.ts";
import { shapes } from "./shapes.ts";

const [name, size, directory] = process.argv.slice(2);
const shape = shapes.find((each) => each.name === name);
if (shape === undefined || directory === undefined) throw new Error(`usage: make.js SHAPE SIZE DIRECTORY`);
const { failure, ...program }: ScaleProgram = shape.make(directory, Number(size));
process.stdout.write(JSON.stringify({ ...program, failure: failure?.source }));
