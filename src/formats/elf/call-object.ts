import { type CallCode, shimCode, thunkCode } from "../../arch/x86_64-call.ts";
import { callFrames } from "../../arch/x86_64-call-frames.ts";
import { alignUp } from "../../bytes/address.ts";
import type { CallLayout } from "../../signature/call-layout.ts";
import { SHF_ALLOC, SHF_EXECINSTR, SHT_X86_64_UNWIND, STB_LOCAL, STT_FUNC, STT_SECTION } from "./constants.ts";
import { type ObjectRelocation, type ObjectSymbol, writeObject } from "./write-object.ts";

/** A function that linked code calls by `name` and `__slablink_import` knows as `id`. */
export interface CallImport {
  /** The symbol that linked code calls. */
  readonly name: string;
  /** Of its signature. */
  readonly layout: CallLayout;
  /** What the thunk hands to `__slablink_import`. */
  readonly id: number | bigint;
}

/** Functions begin where a processor's fetch does. */
const FUNCTION_ALIGNMENT = 16;
const INT3 = 0xcc;

/** The name of the shim for a layout: `void NAME(void *block, void *target)`. */
export function shimName(layout: CallLayout): string {
  return `__slablink_call_${layout.key}`;
}

/**
 * An object that defines the shim of each layout, one for all of the same key, and each import under its name; it refers to
 * `__slablink_import` where there are imports, and describes its frames. Errors: TypeError for an import that is variadic or named twice.
 */
export function writeCallObject(layouts: Iterable<CallLayout>, imports: Iterable<CallImport> = []): Uint8Array {
  const functions = new Map<string, CallCode>();
  for (const layout of layouts) {
    const name = shimName(layout);
    if (!functions.has(name)) functions.set(name, shimCode(layout));
  }
  for (const { name, layout, id } of imports) {
    if (functions.has(name)) throw new TypeError(`the import ${name} is defined twice`);
    functions.set(name, thunkCode(layout, id));
  }

  let size = 0;
  const places: { name: string; code: CallCode; offset: number; size: number }[] = [];
  for (const [name, code] of functions) {
    const offset = alignUp(size, FUNCTION_ALIGNMENT);
    size = offset + code.bytes.length;
    places.push({ name, code, offset, size: code.bytes.length });
  }
  const text = new Uint8Array(size).fill(INT3);
  const symbols: ObjectSymbol[] = [{ name: "", section: 0, type: STT_SECTION, binding: STB_LOCAL }];
  const outside = new Map<string, number>();
  const relocations: ObjectRelocation[] = [];
  for (const { name, code, offset, size } of places) {
    text.set(code.bytes, offset);
    symbols.push({ name, section: 0, value: offset, size, type: STT_FUNC });
    for (const { symbol, ...relocation } of code.relocations) {
      if (!outside.has(symbol)) outside.set(symbol, symbols.push({ name: symbol }) - 1);
      relocations.push({ ...relocation, offset: offset + relocation.offset, symbol: outside.get(symbol)! });
    }
  }
  const frames = callFrames(places);
  return writeObject({
    sections: [
      { name: ".text", flags: SHF_ALLOC | SHF_EXECINSTR, alignment: FUNCTION_ALIGNMENT, contents: text, relocations },
      {
        name: ".eh_frame",
        type: SHT_X86_64_UNWIND,
        flags: SHF_ALLOC,
        alignment: 8,
        contents: frames.bytes,
        relocations: frames.relocations.map((relocation) => ({ ...relocation, symbol: 0 })),
      },
      // Without it the stacks of all threads would be made executable.
      { name: ".note.GNU-stack", contents: new Uint8Array(0) },
    ],
    symbols,
  });
}
