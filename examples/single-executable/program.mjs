// The program: links the object that it carries, into this process or (--isolated) into the executor that it carries too.
import { mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getAsset, getRawAsset } from "node:sea";
import {
  ByteReader,
  ExecutionSession,
  executorPath,
  InProcessExecutorProcessControl,
  InProcessMemoryMapper,
  LlvmWrapper,
  launchExecutor,
  ProcessSymbolsGenerator,
  SharedMemoryMapper,
  SlabMemoryManager,
  SpsReader,
  SpsWriter,
  setPackageFiles,
} from "slablink";

/**
 * An asset as a file without a name: the operating system loads native modules and programs by path alone, and /proc/self/fd has
 * one for every open file. Nothing is left behind, however this process ends.
 */
function fileOf(asset) {
  const folder = mkdtempSync(join(tmpdir(), "carried-"));
  try {
    const path = join(folder, asset);
    writeFileSync(path, new Uint8Array(getRawAsset(asset)), { mode: 0o700 });
    return `/proc/self/fd/${openSync(path, "r")}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function openSession(isolated) {
  const files = ["koffi.node", "kernel.wasm", ...(isolated ? ["slablink-executor"] : [])];
  setPackageFiles(Object.fromEntries(files.map((name) => [name, fileOf(name)])));
  const epc = isolated ? await launchExecutor({ path: executorPath() }) : new InProcessExecutorProcessControl();
  const mapper = isolated ? new SharedMemoryMapper(epc) : new InProcessMemoryMapper(epc);
  return new ExecutionSession({ epc, memoryManager: new SlabMemoryManager(mapper, epc), sharedMemory: true });
}

async function main() {
  const session = await openSession(process.argv.includes("--isolated"));
  try {
    const dylib = session.createJITDylib("main");
    dylib.addObject(ByteReader.of(new Uint8Array(getAsset("fib.o")), "fib.o"));
    dylib.addGenerator(new ProcessSymbolsGenerator());
    const address = (await session.lookup(dylib, ["fib"])).get("fib");
    const result = await session.epc.callWrapper(LlvmWrapper.runAsVoidFunction, new SpsWriter().u64(address).bytes);
    console.log(`fib(30) = ${new SpsReader(result, "result").i32("value")}`);
  } finally {
    await session.endSession();
  }
}

main();
