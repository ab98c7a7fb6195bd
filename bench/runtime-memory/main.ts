// npm run bench:memory: what an element of an array over an executor's memory costs, against one of a plain array, and what handing memory over costs.
import { parseArgs } from "node:util";
import { ExecutionSession, executorPath, launchExecutor, SharedMemoryMapper, SlabMemoryManager } from "slablink";
import { describeMachine } from "../machine.ts";
import { pairedRatio, summarize } from "../statistics.ts";

/** Passes over an array in one measurement: enough that the clock's own time does not show. */
const PASSES = 10;
/** Rounds that the engine needs to compile a loop. */
const COLD = 50;

const usage = `Usage: npm run bench:memory -- [options]

Reads and writes all elements of a Float64Array, in turns: a plain one, one over an executor's memory, one over a SharedArrayBuffer. Then
allocates and frees memory of both sizes.

  --rounds N    turns of each array (300)
  --elements N  elements of an array (16384)
  --help        this text
`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "300" },
    elements: { type: "string", default: "16384" },
    help: { type: "boolean", default: false, short: "h" },
  },
});
if (values.help) process.stdout.write(usage);
else await main(Number(values.rounds), Number(values.elements));

async function main(rounds: number, elements: number): Promise<void> {
  const epc = await launchExecutor({ path: executorPath() });
  const memoryManager = new SlabMemoryManager(new SharedMemoryMapper(epc), epc);
  const session = new ExecutionSession({ epc, memoryManager, sharedMemory: true, sharedData: true });
  try {
    const { processor, cores, node } = describeMachine();
    console.log(`${processor}, ${cores} cores, Node ${node}`);
    const arrays = new Map<string, Float64Array>([
      ["plain", new Float64Array(elements)],
      ["executor's memory", await session.allocate(Float64Array, elements)],
      ["SharedArrayBuffer", new Float64Array(new SharedArrayBuffer(8 * elements))],
    ]);
    const times = measureElements(arrays, rounds, elements);
    for (const [name, own] of times) {
      const { median, lower, upper } = pairedRatio(own, times.get("plain")!);
      const ratio = `${median.toFixed(2)} (${lower.toFixed(2)} to ${upper.toFixed(2)}) of plain`;
      console.log(`${name}: ${nanoseconds(own)} an element, read and written; ${ratio}`);
    }
    for (const size of [16, 64 * 2 ** 20]) {
      const [allocating, freeing] = await measureAllocation(session, size, Math.min(rounds, 50));
      console.log(`${size} bytes: allocate ${microseconds(allocating)}, free ${microseconds(freeing)}`);
    }
  } finally {
    await session.endSession();
  }
}

/** Nanoseconds for each element, by array. A function of its own for each array: one that had met several kinds would know none of them. */
function measureElements(arrays: Map<string, Float64Array>, rounds: number, elements: number): Map<string, number[]> {
  const body = "for (let k = 0; k < passes; k++) for (let i = 0; i < a.length; i++) a[i] = a[i] * 0.5 + 1;";
  const passes = [...arrays].map(([name, array]) => ({
    name,
    array,
    run: new Function("a", "passes", body),
    times: [] as number[],
  }));
  for (let round = 0; round < rounds + COLD; round++) {
    for (const { array, run, times } of passes) {
      const before = process.hrtime.bigint();
      run(array, PASSES);
      if (round >= COLD) times.push(Number(process.hrtime.bigint() - before) / (PASSES * elements));
    }
  }
  return new Map(passes.map(({ name, times }) => [name, times]));
}

async function measureAllocation(
  session: ExecutionSession,
  size: number,
  rounds: number,
): Promise<[number[], number[]]> {
  const [allocating, freeing]: [number[], number[]] = [[], []];
  for (let i = 0; i < rounds; i++) {
    const before = process.hrtime.bigint();
    const array = await session.allocate(Uint8Array, size);
    const between = process.hrtime.bigint();
    await session.free(array);
    allocating.push(Number(between - before) / 1000);
    freeing.push(Number(process.hrtime.bigint() - between) / 1000);
  }
  return [allocating, freeing];
}

function nanoseconds(times: readonly number[]): string {
  return `median ${summarize(times).median.toFixed(3)} ns, fastest ${Math.min(...times).toFixed(3)}`;
}

function microseconds(times: readonly number[]): string {
  return `${summarize(times).median.toFixed(0)} µs`;
}
