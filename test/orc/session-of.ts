import { readFileSync } from "node:fs";
import { ByteReader, type ExecutionSession, ProcessSymbolsGenerator } from "slablink";
import { call, modes, openSession } from "../api/modes.ts";
import { compile } from "../support/compile.ts";

export { call };

/** A session for one test, in a JITDylib `main` that has the process's symbols, and what tests do with it. */
export async function inSession(
  mode: (typeof modes)[number],
  work: (session: ExecutionSession, run: (name: string) => Promise<number>) => Promise<void>,
): Promise<void> {
  const { session } = await openSession(mode);
  try {
    const main = session.createJITDylib("main");
    main.addGenerator(new ProcessSymbolsGenerator());
    const run = async (name: string) => call(session.epc, (await session.lookup(main, [name])).get(name));
    await work(session, run);
  } finally {
    await session.endSession();
  }
}

/** This process, and an executor over shared memory. */
export const bothModes = modes.slice(0, 2);

/** An object of a C source, whose errors call it `name`. */
export async function object(text: string, name = "part.o", flags = ["-O1", "-fPIE"]): Promise<ByteReader> {
  return ByteReader.of(readFileSync(await compile(["gcc", ...flags], "part.c", text)), name);
}
