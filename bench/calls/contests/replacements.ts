import { readFileSync } from "node:fs";
import { instantiate } from "../../../src/index.ts";
import { build } from "../build.ts";
import { expect, nanoseconds } from "../clock.ts";
import type { Contest } from "../contest.ts";

const NAME = "step.o";

/** Two versions of an object with one function, in turn, while it can be called. */
export const replacements: readonly Contest[] = [["in this process", false] as const, ["isolated", true] as const].map(
  ([where, isolated]) => ({
    name: `replace one function, ${where}`,
    against: "",
    limit: 2,
    async prepare(directory) {
      const versions = [1, 2].map((n) => {
        const text = `static int calls; int step(int x) { calls++; return x + ${n}; }`;
        const flags = ["-c", "-ffunction-sections", "-fdata-sections"];
        return { name: NAME, bytes: readFileSync(build(directory, `step-${n}.o`, text, flags)) };
      });
      const instance = await instantiate(versions[0]!, {
        isolated,
        replaceable: true,
        exports: { step: "int step(int)" },
      });
      let version = 0;
      return {
        own: async (count) => {
          let taken = 0;
          for (let i = 0; i < count; i++) {
            version = 1 - version;
            const started = nanoseconds();
            await instance.replace(versions[version]!);
            taken += nanoseconds() - started;
            expect(instance.exports.step.sync(1), version + 2, "step");
          }
          return taken;
        },
        close: () => instance.dispose(),
      };
    },
  }),
);
