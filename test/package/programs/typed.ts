// What the package's types say, under the strictest settings of the compiler.
import {
  type Crash,
  type ErrorCode,
  executorPath,
  importFunction,
  instantiate,
  launchExecutor,
  SlablinkError,
  SpsWriter,
} from "slablink";

export async function start(): Promise<number | undefined> {
  const epc = await launchExecutor({ path: executorPath() });
  try {
    return epc.pid;
  } finally {
    await epc.disconnect();
  }
}

export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof SlablinkError ? error.code : undefined;

export const bytes: Uint8Array = new SpsWriter().u64(1).bytes;
export const signalOf = (crash: Crash): unknown => crash.signal;

export async function both(object: Uint8Array): Promise<number> {
  const imports = { seen: importFunction("void seen(int)", (number) => console.log(number + 1)) };
  const here = await instantiate(object, { imports, exports: { weigh: "double weigh(int)" } });
  const apart = await instantiate(object, {
    isolated: true,
    exports: { weigh: { arguments: ["int32"], return: "double" } },
  });
  const table: Float64Array = apart.view("weights", Float64Array);
  // @ts-expect-error: a number is expected.
  here.exports.weigh("4");
  return here.exports.weigh(4) + (await apart.exports.weigh(4)) + apart.exports.weigh.sync(4) + table[0]!;
}

// @ts-expect-error: a path is needed.
export const wrong = launchExecutor({});
