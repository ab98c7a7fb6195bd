import { ByteReader } from "../bytes/byte-reader.ts";
import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import type { CallbackGenerator, Generated } from "./definition-generator.ts";
import type { JITDylib } from "./jit-dylib.ts";
import type { ExecutorTarget } from "./link-job.ts";
import { type LinkPlan, planLink } from "./link-plan.ts";
import { resolveInProcess } from "./process-symbols.ts";

/** What a plan needs of the session. */
export interface PlanningContext extends ExecutorTarget {
  readonly runtime: RuntimeLibraries;
  /** Links a name in another JITDylib, if it is not linked there yet; its address, if that is no definition of the JITDylib. */
  linkInto(dylib: JITDylib, name: string): Promise<number | undefined>;
}

/**
 * Plans a look-up and does what has to be done before anything is linked: callbacks are asked for what nothing else defines, names of
 * other JITDylibs are linked there.
 */
export async function preparePlan(
  dylib: JITDylib,
  names: readonly string[],
  context: PlanningContext,
): Promise<LinkPlan> {
  const asked = new Map<CallbackGenerator, Set<string>>();
  for (;;) {
    const plan = planLink(dylib, names, context.runtime, asked);
    for (const name of plan.reexported) {
      const reexport = dylib.reexports.get(name)!;
      reexport.address = await context.linkInto(reexport.dylib, reexport.name);
    }
    if (!(await generate(dylib, plan.open, asked, context))) return plan;
  }
}

/** Asks the generators that run code, here and then in the link order; true when one here was asked, so that the plan is another one. */
async function generate(
  dylib: JITDylib,
  open: readonly string[],
  asked: Map<CallbackGenerator, Set<string>>,
  context: PlanningContext,
): Promise<boolean> {
  let missing = open;
  let callbacks = dylib.generators.filter(({ kind }) => kind === "callback").length;
  for (const generator of dylib.generators) {
    if (missing.length === 0 || callbacks === 0) break;
    if (generator.kind === "process") {
      const addresses = await resolveInProcess(context, missing);
      missing = missing.filter((_, i) => addresses[i] === 0);
    } else if (generator.kind === "callback") {
      callbacks--;
      if (await ask(generator, dylib, missing, asked)) return true;
    }
  }
  for (const other of dylib.linkOrder) {
    missing = missing.filter((name) => !canDefine(other, name));
    for (const generator of other.generators) {
      if (generator.kind === "callback") await ask(generator, other, missing, asked);
    }
    missing = missing.filter((name) => !canDefine(other, name));
  }
  return false;
}

/** Whether the JITDylib defines the name or will, once it is linked there. */
export function canDefine(dylib: JITDylib, name: string): boolean {
  if (dylib.find(name) !== undefined || dylib.offers(name)) return true;
  return dylib.pending.some((object) => object.symbols().some((symbol) => symbol.isDefined && symbol.name === name));
}

/** Asks a callback for what it was not asked for yet; false when that is nothing. */
async function ask(
  generator: CallbackGenerator,
  dylib: JITDylib,
  names: readonly string[],
  asked: Map<CallbackGenerator, Set<string>>,
): Promise<boolean> {
  const before = asked.get(generator) ?? new Set();
  asked.set(generator, before);
  const fresh = names.filter((name) => !before.has(name));
  if (fresh.length === 0) return false;
  for (const name of fresh) before.add(name);
  addGenerated(dylib, await generator.tryToGenerate(fresh, dylib));
  return true;
}

function addGenerated(dylib: JITDylib, generated: Generated): void {
  if (generated === undefined) return;
  if (generated instanceof Map) {
    for (const [name, address] of generated) dylib.define(name, address);
    return;
  }
  for (const object of generated as Exclude<Generated, ReadonlyMap<string, number> | undefined>) {
    dylib.addObject(object instanceof ByteReader ? object : ByteReader.of(object.bytes, object.name));
  }
}
