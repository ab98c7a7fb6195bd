import { readFileSync } from "node:fs";
import type { TestContext } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { Llvm } from "../../src/epc/dialect.ts";
import { InProcessExecutorProcessControl } from "../../src/epc/in-process.ts";
import { launchExecutor } from "../../src/epc/launch.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";
import { InProcessMemoryMapper } from "../../src/memory/in-process-mapper.ts";
import { RpcMemoryMapper } from "../../src/memory/rpc-mapper.ts";
import { SlabMemoryManager } from "../../src/memory/slab-memory-manager.ts";
import { ProcessSymbolsGenerator } from "../../src/orc/definition-generator.ts";
import { ExecutionSession } from "../../src/orc/execution-session.ts";
import { executorPath } from "../../src/orc/executor-path.ts";
import type { JITDylib } from "../../src/orc/jit-dylib.ts";
import { openSession } from "../support/session.ts";

/** Where linked code runs, and how it gets there. */
export const ways = {
  "in an executor, memory shared": () => openSession(),
  "in an executor, by messages": async () => {
    const epc = await launchExecutor({ path: executorPath() });
    const memoryManager = new SlabMemoryManager(new RpcMemoryMapper(epc), epc, { slabSize: 2 ** 26 });
    return new ExecutionSession({ epc, memoryManager, sharedMemory: false });
  },
  "in this process": async () => {
    const epc = new InProcessExecutorProcessControl();
    const memoryManager = new SlabMemoryManager(new InProcessMemoryMapper(epc), epc, { slabSize: 2 ** 26 });
    return new ExecutionSession({ epc, memoryManager, sharedMemory: true });
  },
} satisfies Record<string, () => Promise<ExecutionSession>>;

/** A session that ends with the test, and a JITDylib that finds the process's symbols behind its own. */
export async function sessionFor(
  context: TestContext,
  way: keyof typeof ways = "in an executor, memory shared",
): Promise<{ session: ExecutionSession; dylib: JITDylib }> {
  const session = await ways[way]();
  context.after(() => session.endSession());
  const dylib = session.createJITDylib("main");
  dylib.addGenerator(new ProcessSymbolsGenerator());
  return { session, dylib };
}

/** Calls `int f(void)` at an address in the executor. */
export async function callInt({ epc }: ExecutionSession, address: number): Promise<number> {
  const result = await epc.callWrapper(Llvm.runAsVoidFunction, new SpsWriter(8).u64(address).bytes);
  return new DataView(result.buffer, result.byteOffset, result.byteLength).getInt32(0, true);
}

/** A reader of an object file, under a name of its own. */
export function readerOf(path: string, name: string): ByteReader {
  return ByteReader.of(readFileSync(path), name);
}

/** Waits until `condition` holds, however long that takes. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
