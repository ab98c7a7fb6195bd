/* Runs the library of program.c as a program in this process: node run-program.js LIBRARY WHAT [TIMES] */
import { InProcessExecutorProcessControl } from "../../src/epc/in-process.ts";
import { libc } from "../../src/host/libc.ts";
import { readMemory } from "../../src/host/view.ts";

const [library, what, times = "1"] = process.argv.slice(2);
const epc = new InProcessExecutorProcessControl();
const handle = await epc.openLibrary(library);
const names = ["main", "leave", "init_array", "init_size", "fini_array", "fini_size"];
const [main, leave, initArray, initSize, finiArray, finiSize] = await epc.resolve(handle, names);
const [exit] = await epc.resolve(0, ["exit"]);
libc.memcpy(leave, new Uint8Array(new BigUint64Array([BigInt(exit)]).buffer), 8);
const sizeAt = (address: number): number => new DataView(readMemory(address, 8).buffer).getUint32(0, true);
const [dsoHandle] = await epc.resolve(handle, ["dso"]);

for (let i = 0; i < Number(times); i++) {
  const end = await epc.runProgram({
    main,
    argv: ["program", what],
    initFunctions: [],
    initArrays: [{ start: initArray, end: initArray + sizeAt(initSize) }],
    finiArrays: [{ start: finiArray, end: finiArray + sizeAt(finiSize) }],
    finiFunctions: [],
    dsoHandle,
  });
  process.exitCode = end.status;
}
await epc.disconnect();
process.exit();
