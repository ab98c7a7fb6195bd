import type { Input } from "../inputs/input.ts";
import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import {
  ImplicitArchivesGenerator,
  ProcessSymbolsGenerator,
  SharedLibraryGenerator,
  StaticArchiveGenerator,
} from "./definition-generator.ts";
import type { JITDylib } from "./jit-dylib.ts";
import type { ReplaceableObjects } from "./replace/replaceable-objects.ts";

/** What a program consists of beside its inputs. */
export interface Definitions {
  /** Symbols defined as plain addresses. */
  readonly absolutes: readonly (readonly [name: string, address: number])[];
  /** `[new name, name it stands for]`. */
  readonly aliases: readonly (readonly [alias: string, target: string])[];
  /** Whether what the inputs leave undefined may come from the process itself. */
  readonly processSymbols: boolean;
}

/**
 * What the program is made of: the inputs in their order, what was defined by hand, the process at last. `replaceable`: takes the objects,
 * so that they can be replaced.
 */
export function fillDylib(
  dylib: JITDylib,
  inputs: readonly Input[],
  request: Definitions,
  runtime: RuntimeLibraries,
  replaceable?: ReplaceableObjects,
): void {
  for (const input of inputs) {
    if (input.kind === "object" && replaceable !== undefined) replaceable.add(input.reader);
    else if (input.kind === "object") dylib.addObject(input.reader);
    else if (input.kind === "archive") {
      dylib.addGenerator(new StaticArchiveGenerator(input.archive, { whole: input.wholeArchive, group: input.group }));
    } else {
      const { library, asNeeded } = input;
      dylib.addGenerator(new SharedLibraryGenerator(library, runtime.loadName(library), { asNeeded }));
    }
  }
  if (request.processSymbols) {
    dylib.addGenerator(new ImplicitArchivesGenerator(() => runtime.implicitArchives()));
  }
  for (const [name, address] of request.absolutes) dylib.define(name, address);
  for (const [alias, target] of request.aliases) dylib.alias(alias, target);
  if (request.processSymbols) dylib.addGenerator(new ProcessSymbolsGenerator());
}
