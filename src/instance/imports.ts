import { IMPORT_FUNCTION } from "../arch/x86_64-call.ts";
import { type CallImport, writeCallObject } from "../formats/elf/call-object.ts";
import { callLayout } from "../signature/call-layout.ts";
import type { TypeTable } from "../signature/native-type.ts";
import { resolveSignature } from "../signature/resolve-signature.ts";
import type { CallHost } from "./call-host.ts";
import type { Import } from "./import-function.ts";
import type { LinkedBeside } from "./session.ts";

/** What a link gets for a module's imports: thunks for JavaScript functions, and addresses. Errors: TypeError for what is neither. */
export async function importsOf(
  imports: { readonly [name: string]: Import },
  calls: CallHost,
  types: TypeTable | undefined,
): Promise<LinkedBeside> {
  const absolutes: [string, number][] = [];
  const thunks: CallImport[] = [];
  for (const [name, value] of Object.entries(imports)) {
    if (typeof value === "number" || typeof value === "bigint") {
      absolutes.push([name, Number(value)]);
      continue;
    }
    if (typeof value?.call !== "function" || value.signature === undefined) {
      throw new TypeError(`imports.${name} is neither an address nor made by importFunction(signature, function)`);
    }
    const layout = callLayout(resolveSignature(value.signature, types));
    const { channel } = await calls.openChannel();
    thunks.push({ name, layout, id: channel.addImport(layout, value.call as (...values: unknown[]) => unknown) });
  }
  if (thunks.length === 0) return { objects: [], absolutes, ids: [] };
  const { importFunction } = await calls.openChannel();
  absolutes.push([IMPORT_FUNCTION, importFunction]);
  const objects = [{ name: "imports", bytes: writeCallObject([], thunks) }];
  return { objects, absolutes, ids: thunks.map(({ id }) => Number(id)) };
}
