import { instantiate, Session } from "../../../src/index.ts";
import { build } from "../build.ts";
import { expect, nanoseconds } from "../clock.ts";
import type { Contest, Repeat } from "../contest.ts";

const ELEMENTS = 1024;
const LARGE = 2 ** 23;

const turnText = `double turn(double *values, int count) {
  double last = values[count - 1];
  values[count - 1] = values[0];
  values[0] = last;
  return last;
}
`;

/** Memory that an executor shares. */
export const memory: readonly Contest[] = [
  {
    name: "read and write of a shared element",
    against: "the same of a plain Float64Array",
    ratio: 1.1,
    async prepare() {
      const session = await Session.open({ isolated: true });
      const shared = await session.allocate(Float64Array, ELEMENTS);
      return {
        own: repeatElements(shared as Float64Array),
        peer: repeatElements(new Float64Array(ELEMENTS)),
        close: () => session.dispose(),
      };
    },
  },
  {
    name: "64 MB to an isolated function and back",
    against: "copying them there and back",
    limit: 1,
    async prepare(directory) {
      const object = build(directory, "turn.o", turnText, ["-c"]);
      const session = await Session.open({ isolated: true, slabSize: 2 ** 29 });
      const instance = await instantiate(object, { session, exports: { turn: "double turn(double *, int)" } });
      const values = (await session.allocate(Float64Array, LARGE)) as Float64Array;
      const local = new Float64Array(LARGE);
      return {
        own: (count) => {
          values[0] = 1;
          values[LARGE - 1] = 2;
          const started = nanoseconds();
          for (let i = 0; i < count; i++) instance.exports.turn.sync(values, LARGE);
          const taken = nanoseconds() - started;
          expect(values[0], count % 2 === 0 ? 1 : 2, "the first element");
          return taken;
        },
        peer: (count) => {
          const started = nanoseconds();
          for (let i = 0; i < count; i++) {
            values.set(local);
            local.set(values);
          }
          return nanoseconds() - started;
        },
        close: async () => {
          await instance.dispose();
          await session.dispose();
        },
      };
    },
  },
];

/** A loop of its own for each array: the engine's knowledge of it is not shared. */
function repeatElements(values: Float64Array): Repeat {
  const loop = new Function(
    "values",
    "count",
    `for (let i = 0; i < count; i++) values[i & ${ELEMENTS - 1}] = values[i & ${ELEMENTS - 1}] + 1;`,
  );
  let before = 0;
  return (count) => {
    const started = nanoseconds();
    loop(values, count);
    const taken = nanoseconds() - started;
    before += count;
    expect(
      values.reduce((sum, value) => sum + value, 0),
      before,
      "the sum of all elements",
    );
    return taken;
  };
}
