// Links an object into this process and calls a function of it:  in-process.mjs OBJECT FUNCTION
import {
  ExecutionSession,
  InProcessExecutorProcessControl,
  InProcessMemoryMapper,
  LlvmWrapper,
  ProcessSymbolsGenerator,
  readingOpener,
  SlabMemoryManager,
  SpsReader,
  SpsWriter,
} from "slablink";

const [path, name] = process.argv.slice(2);
const epc = new InProcessExecutorProcessControl();
const memoryManager = new SlabMemoryManager(new InProcessMemoryMapper(epc), epc);
const session = new ExecutionSession({ epc, memoryManager, sharedMemory: true });
const dylib = session.createJITDylib("main");
dylib.addObject(readingOpener.open(path));
dylib.addGenerator(new ProcessSymbolsGenerator());
const address = (await session.lookup(dylib, [name])).get(name);
const argument = new SpsWriter().u64(address).bytes;
const result = await epc.callWrapper(LlvmWrapper.runAsVoidFunction, argument);
console.log(`${name}() = ${new SpsReader(result, "result").i32("value")}`);
await session.endSession();
