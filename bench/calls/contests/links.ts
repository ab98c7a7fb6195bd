import { readFileSync } from "node:fs";
import { compile, instantiate, Session } from "../../../src/index.ts";
import { build } from "../build.ts";
import { expect, nanoseconds } from "../clock.ts";
import type { Contest } from "../contest.ts";

/** So many functions are an object of some 10 kB. */
const FUNCTIONS = 56;

const objectText = Array.from(
  { length: FUNCTIONS },
  (_, i) =>
    `extern int step_${(i + 1) % FUNCTIONS}(int); int step_${i}(int n) { return n < ${i} ? n : step_${(i + 1) % FUNCTIONS}(n - 3) + ${i}; }\n`,
).join("");

/** Links in a session that has linked before. */
export const links: readonly Contest[] = [["in this process", false, 1] as const, ["isolated", true, 2] as const].map(
  ([where, isolated, limit]) => ({
    name: `instantiate a 10 kB object in a warm session, ${where}`,
    against: "",
    limit,
    async prepare(directory) {
      const path = build(directory, "steps.o", objectText, ["-c", "-fno-asynchronous-unwind-tables"]);
      const { length } = readFileSync(path);
      if (length < 9_000 || length > 11_000) throw new Error(`the object has ${length} bytes, expected some 10,000`);
      const session = await Session.open({ isolated });
      const module = await compile(path);
      return {
        own: async (count) => {
          let taken = 0;
          for (let i = 0; i < count; i++) {
            const started = nanoseconds();
            const instance = await instantiate(module, { session, exports: { step_1: "int step_1(int)" } });
            taken += nanoseconds() - started;
            expect(instance.exports.step_1.sync(0), 0, "step_1");
            await instance.dispose();
          }
          return taken;
        },
        close: () => session.dispose(),
      };
    },
  }),
);
