import type { JITDylib } from "./jit-dylib.ts";
import { failForCircles } from "./other-names.ts";
import { canDefine } from "./planned-link.ts";
import { UndefinedSymbolsError } from "./undefined-symbols.ts";

/**
 * Looks names up in several JITDylibs: each is the first one's that has it, with its own link order and generators. `lookup` looks
 * up names in one of them that may be missing there. It is the turn of all of them, since objects in flight are found nowhere. Errors:
 * UndefinedSymbolsError for names that none has and that are not `weak`, LinkError for those that stand for each other in a circle.
 */
export async function lookupInOrder(
  dylibs: readonly JITDylib[],
  names: readonly string[],
  weak: ReadonlySet<string>,
  lookup: (dylib: JITDylib, names: readonly string[]) => Promise<ReadonlyMap<string, number>>,
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const dylib of dylibs) {
    const asks = dylib.linkOrder.length > 0 || dylib.generators.some(({ kind }) => kind !== "archive");
    const possible = names.filter((name) => !found.has(name) && (asks || canDefine(dylib, name)));
    if (possible.length === 0) continue;
    for (const [name, address] of await lookup(dylib, possible)) found.set(name, address);
  }
  const missing = names.filter((name) => !found.has(name) && !weak.has(name));
  for (const dylib of dylibs) failForCircles(dylib, missing, weak);
  if (missing.length > 0) throw new UndefinedSymbolsError(missing.map((name) => ({ name, references: [] })));
  return new Map(names.flatMap((name) => (found.has(name) ? [[name, found.get(name)!]] : [])));
}
