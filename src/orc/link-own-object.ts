import { LinkError } from "../errors.ts";
import { readingOpener } from "../inputs/file-opener.ts";
import { ProcessSymbolsGenerator } from "./definition-generator.ts";
import type { ExecutionSession } from "./execution-session.ts";
import { builtFile } from "./executor-path.ts";

/**
 * Links one of the package's own objects (executor/linked) as a JITDylib of that name; gives the addresses of its functions by the keys of
 * `names`. Errors: LinkError when it has not been built: `purpose` says what it is for.
 */
export async function linkOwnObject<Key extends string>(
  session: ExecutionSession,
  name: string,
  object: `slablink-${string}.o`,
  names: Readonly<Record<Key, string>>,
  purpose: string,
): Promise<Readonly<Record<Key, number>>> {
  const dylib = session.createJITDylib(name);
  try {
    dylib.addObject(readingOpener.open(builtFile(object)));
  } catch (cause) {
    await session.removeJITDylib(dylib);
    throw new LinkError("link", `${purpose}, and ${(cause as Error).message}`, { cause });
  }
  dylib.addGenerator(new ProcessSymbolsGenerator());
  const found = await session.lookup(dylib, Object.values<string>(names));
  const entries = Object.entries<string>(names).map(([key, symbol]) => [key, found.get(symbol)!]);
  return Object.fromEntries(entries) as Record<Key, number>;
}
