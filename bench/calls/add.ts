import { type Instance, instantiate } from "../../src/index.ts";
import { build } from "./build.ts";
import { expect, nanoseconds } from "./clock.ts";
import type { Repeat } from "./contest.ts";

/** The function of all contests about calls. */
export const addText = "int add(int a, int b) { return a + b; }\n";

const exports = { add: { arguments: ["int32", "int32"], return: "int32" } } as const;

/** `add`, linked into this process or an executor. */
export function linkAdd<Isolated extends boolean>(
  directory: string,
  isolated: Isolated,
): Promise<Instance<typeof exports, Isolated>> {
  return instantiate(build(directory, "add.o", addText, ["-c"]), { isolated, exports });
}

/** Calls that answer on the spot. A loop of its own for each function: the engine's knowledge of it is not shared. */
export function repeatSync(add: (a: number, b: number) => number): Repeat {
  const loop = new Function(
    "add",
    "count",
    "let sum = 0; for (let i = 0; i < count; i++) sum += add(i, 1) - i; return sum;",
  );
  return (count) => {
    const started = nanoseconds();
    const sum = loop(add, count);
    const taken = nanoseconds() - started;
    expect(sum, count, "add");
    return taken;
  };
}

/** Calls that answer later, one after the other. */
export function repeatAsync(add: (a: number, b: number) => Promise<number>): Repeat {
  return async (count) => {
    let sum = 0;
    const started = nanoseconds();
    for (let i = 0; i < count; i++) sum += (await add(i, 1)) - i;
    const taken = nanoseconds() - started;
    expect(sum, count, "add");
    return taken;
  };
}
