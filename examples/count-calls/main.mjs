// Counts all calls between functions of a program, without changing it.
//     node examples/count-calls/main.mjs [SIZE]            (of the board; 8 by default)
import { instantiate, Session } from "slablink";
import { CallCounter } from "./call-counter.mjs";

const size = Number(process.argv[2] ?? 8);
const counter = new CallCounter();
const session = await Session.open({ isolated: true });
try {
  session.execution.addPlugin(counter);
  const program = await instantiate(new URL("queens.c", import.meta.url), {
    session,
    flags: ["-O1", "-fno-inline", "-ffunction-sections"],
    exports: { queens: "int queens(int)" },
  });
  // The counters are variables of the program: nobody has to be asked for their values.
  const counts = new Map(counter.functions.map((name) => [name, program.view(counter.variable(name), BigUint64Array)]));
  console.log(`${await program.exports.queens(size)} ways to place ${size} queens`);
  for (const [name, [count]] of [...counts].sort(([, [a]], [, [b]]) => Number(b - a))) {
    console.log(`${count.toString().padStart(8)} ${name}`);
  }
} finally {
  await session.dispose();
}
