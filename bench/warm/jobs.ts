import { R_X86_64_64 } from "../../src/arch/x86_64.ts";
import { STT_FUNC } from "../../src/formats/elf/constants.ts";
import { ByteReader, LlvmWrapper, SpsReader, SpsWriter } from "../../src/index.ts";
import { Flags, ObjectWriter } from "../scale/object-writer.ts";
import { functionReturning } from "../scale/shape.ts";
import { type Held, heldBy } from "./held.ts";
import { openWarmSession, type WarmMode } from "./session.ts";

/** Many jobs one after the other, in ten parts. */
export interface JobsReport {
  readonly jobs: number;
  readonly parts: readonly {
    /** Mean time of a job, its removal included. */
    readonly microseconds: number;
    readonly held: Held;
    readonly executor: Held | undefined;
  }[];
}

/** Links `jobs` small objects in one session, each into a JITDylib of its own, and calls what was linked. */
export async function measureJobs(mode: WarmMode, jobs: number, remove: boolean): Promise<JobsReport> {
  const { session, pid } = await openWarmSession(mode);
  const parts: JobsReport["parts"][number][] = [];
  try {
    const each = Math.ceil(jobs / 10);
    for (let part = 0; part < 10; part++) {
      const started = performance.now();
      for (let i = part * each; i < Math.min(jobs, (part + 1) * each); i++) {
        const dylib = session.createJITDylib(`job ${i}`);
        dylib.addObject(ByteReader.of(smallObject(i), `${i}.o`));
        const address = (await session.lookup(dylib, [`f${i}`])).get(`f${i}`)!;
        const argument = new SpsWriter(8).u64(address).bytes;
        const result = await session.epc.callWrapper(LlvmWrapper.runAsVoidFunction, argument);
        const value = new SpsReader(result, "f").i32("value");
        if (value !== i) throw new Error(`f${i}() gave ${value}`);
        if (remove) await session.removeJITDylib(dylib);
      }
      const microseconds = (1000 * (performance.now() - started)) / each;
      parts.push({ microseconds, held: heldBy(process.pid), executor: pid === undefined ? undefined : heldBy(pid) });
    }
  } finally {
    await session.endSession();
  }
  return { jobs, parts };
}

/** A function with a name of its own, and a word of data with a relocation. */
function smallObject(i: number): Uint8Array {
  const object = new ObjectWriter();
  const text = object.section(".text", functionReturning(i), { flags: Flags.code, alignment: 16 });
  const symbol = object.symbol(`f${i}`, { section: text, type: STT_FUNC, size: 6 });
  const data = object.section(".data", new Uint8Array(8), { flags: Flags.data, alignment: 8 });
  object.symbol(`pointer${i}`, { section: data, size: 8 });
  object.relocate(data, 0, R_X86_64_64, symbol);
  return object.bytes();
}
