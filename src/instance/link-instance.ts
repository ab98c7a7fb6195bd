import type { JITDylib } from "../orc/jit-dylib.ts";
import { callLayout } from "../signature/call-layout.ts";
import type { TypeTable } from "../signature/native-type.ts";
import { resolveSignature } from "../signature/resolve-signature.ts";
import type { Import } from "./import-function.ts";
import { importsOf } from "./imports.ts";
import { runInitializers } from "./initializers.ts";
import type { Module } from "./module.ts";
import type { Signatures } from "./native-functions.ts";
import type { LinkedModule, Session } from "./session.ts";

/** What an instance is made of, once or again in another executor. */
export interface InstanceRecipe {
  readonly module: Module;
  readonly signatures: Signatures;
  readonly imports: { readonly [name: string]: Import };
  readonly symbols: readonly string[];
  readonly types: TypeTable | undefined;
  readonly replaceable: boolean;
  readonly link: readonly Linkable[];
}

/** Another instance of the session, whose symbols are looked for behind the module's own. */
export interface Linkable {
  readonly session: Session;
  readonly dylib: JITDylib;
}

/** Links a module with its imports into a session and runs its constructors. Errors: as of `instantiate`; nothing of it stays. */
export async function linkInstance(session: Session, recipe: InstanceRecipe): Promise<LinkedModule> {
  const { module, signatures, imports, symbols, types, replaceable, link } = recipe;
  const resolved = Object.values(signatures).map((signature) => resolveSignature(signature, types));
  const takesFunctions = resolved.some(({ parameters }) => parameters.some(({ type }) => type.kind === "function"));
  const hasFunctions = Object.values(imports).some((value) => typeof value === "object");
  const layouts = resolved.map((each) => callLayout(each));
  const linked = await session.link({
    module,
    replaceable,
    link: () => link.map(({ dylib }) => dylib),
    names: [...Object.keys(signatures), ...symbols],
    prepare: async (calls) => {
      await calls.prepare(layouts, takesFunctions || hasFunctions);
      return importsOf(imports, calls, types);
    },
  });
  try {
    const { execution, calls } = session;
    await runInitializers(linked.job.layout, execution.memory, execution.epc, calls.run);
    return linked;
  } catch (error) {
    // A constructor that has ended the executor has taken the code with it: how it did that is the error.
    await session.unlink(linked).catch(() => {});
    throw error;
  }
}
