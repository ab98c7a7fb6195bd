import type { ByteReader } from "../bytes/byte-reader.ts";
import type { TypeTable } from "../signature/native-type.ts";
import type { Import } from "./import-function.ts";
import { importsOf } from "./imports.ts";
import type { LinkedModule, Session } from "./session.ts";

/** Further imports of a module that is linked. */
export interface MoreImports {
  readonly imports: { readonly [name: string]: Import };
  readonly types: TypeTable | undefined;
}

/**
 * Links something for a module that needs further imports, or others under names that it has: `link` gets their objects. What is linked later
 * binds to these, what is there stays bound as it is. Errors: TypeError for what is no import; those of `link`, with the imports as before.
 */
export async function linkWithImports<T>(
  session: Session,
  linked: LinkedModule,
  { imports, types }: MoreImports,
  link: (beside: readonly ByteReader[]) => Promise<T>,
): Promise<T> {
  const { calls } = session;
  const { dylib, arena } = linked;
  const { objects, absolutes, ids } = await importsOf(imports, calls, types);
  const functions = Object.keys(imports).filter((name) => typeof imports[name] === "object");
  const earlier = [...dylib.linked.jobs()];
  const before = absolutes.map(([name]) => [name, dylib.absolutes.get(name)] as const);
  for (const [name, address] of absolutes) dylib.define(name, address);
  try {
    const done = await link(objects.map(({ name, bytes }) => arena.place(bytes, name)));
    for (const name of functions) {
      dylib.absolutes.delete(name);
      dylib.linked.hide(name, earlier);
    }
    linked.ids.push(...ids);
    return done;
  } catch (error) {
    for (const [name, address] of before) {
      if (address === undefined) dylib.absolutes.delete(name);
      else dylib.define(name, address);
    }
    calls.forget(ids);
    throw error;
  }
}
