import { IMPORT_FUNCTION } from "../arch/x86_64-call.ts";
import { writeCallObject } from "../formats/elf/call-object.ts";
import { type CallLayout, callLayout } from "../signature/call-layout.ts";
import type { TypeTable } from "../signature/native-type.ts";
import { resolveSignature } from "../signature/resolve-signature.ts";
import type { CallHost } from "./call-host.ts";
import type { Import } from "./import-function.ts";
import type { LinkedBeside } from "./session.ts";

type Handler = (...values: unknown[]) => unknown;

/** What a link gets for a module's imports: thunks for JavaScript functions, and addresses. Errors: TypeError for what is neither. */
export async function importsOf(
  imports: { readonly [name: string]: Import },
  calls: CallHost,
  types: TypeTable | undefined,
): Promise<LinkedBeside> {
  const absolutes: [string, number][] = [];
  const functions: { name: string; layout: CallLayout; call: Handler }[] = [];
  for (const [name, value] of Object.entries(imports)) {
    if (typeof value === "number" || typeof value === "bigint") {
      absolutes.push([name, Number(value)]);
      continue;
    }
    if (typeof value?.call !== "function" || value.signature === undefined) {
      throw new TypeError(`imports.${name} is neither an address nor made by importFunction(signature, function)`);
    }
    functions.push({ name, layout: callLayout(resolveSignature(value.signature, types)), call: value.call });
  }
  if (functions.length === 0) return { objects: [], absolutes, ids: [] };
  const { channel, importFunction } = await calls.openChannel();
  absolutes.push([IMPORT_FUNCTION, importFunction]);
  // Only now that all of them are known to be right: a number stays until it is given back.
  const thunks = functions.map(({ name, layout, call }) => ({ name, layout, id: channel.addImport(layout, call) }));
  const objects = [{ name: "imports", bytes: writeCallObject([], thunks) }];
  return { objects, absolutes, ids: thunks.map(({ id }) => Number(id)) };
}
