// Links an object into an executor by hand, part by part, and calls a function of it there.
//     node examples/session.mjs OBJECT FUNCTION NUMBER         (an `int FUNCTION(int)`)
import {
  ExecutionSession,
  executorPath,
  LlvmWrapper,
  launchExecutor,
  ProcessSymbolsGenerator,
  readingOpener,
  SharedMemoryMapper,
  SlabMemoryManager,
  SpsReader,
  SpsWriter,
} from "slablink";

const [path, name, number] = process.argv.slice(2);
const epc = await launchExecutor({ path: executorPath() });
const memoryManager = new SlabMemoryManager(new SharedMemoryMapper(epc), epc);
const session = new ExecutionSession({ epc, memoryManager, sharedMemory: true });
try {
  const dylib = session.createJITDylib("main");
  dylib.addObject(readingOpener.open(path));
  dylib.addGenerator(new ProcessSymbolsGenerator());
  const address = (await session.lookup(dylib, [name])).get(name);
  const argument = new SpsWriter().u64(address).u32(Number(number)).bytes;
  const result = await epc.callWrapper(LlvmWrapper.runAsIntFunction, argument);
  console.log(`${name}(${number}) = ${new SpsReader(result, "result").i32("value")}`);
} finally {
  await session.endSession();
}
