import type { BlockLayout } from "../../src/calls/block-layout.ts";

/** i: int32, d: double, p: pointer (number, string or array), s: C string, v: nothing. */
export type Letter = "i" | "d" | "p" | "s" | "v";

/** A layout by hand, and the C text of its shim: the result first, then the arguments. */
export function layoutOf(letters: string): BlockLayout & { readonly shim: string; readonly text: string } {
  const [result, ...parameters] = [...letters] as Letter[];
  const place = (i: number): number => 16 + 8 * i;
  const write = (letter: Letter, value: unknown, view: DataView, at: number, pointers: Pointers): void => {
    if (letter === "v") return;
    if (letter === "i") {
      if (typeof value !== "number") throw new TypeError(`${typeof value} for an int32`);
      view.setInt32(at, value, true);
    } else if (letter === "d") view.setFloat64(at, value as number, true);
    else {
      const address = typeof value === "number" ? value : pointers.addressOf(value, undefined as never);
      view.setBigUint64(at, BigInt(address), true);
    }
  };
  const read = (letter: Letter, view: DataView, at: number, pointers: Pointers): unknown => {
    if (letter === "v") return undefined;
    if (letter === "i") return view.getInt32(at, true);
    if (letter === "d") return view.getFloat64(at, true);
    const address = Number(view.getBigUint64(at, true));
    return letter === "s" ? pointers.readString(address) : address;
  };
  const types = { i: "int", d: "double", p: "void *", s: "char *", v: "void" };
  const given = parameters.map((letter, i) => `*(${types[letter]} *)(b + ${place(i)})`).join(", ");
  const cast = `((${types[result]} (*)(${parameters.map((letter) => types[letter]).join(", ") || "void"}))f)(${given})`;
  return {
    shim: `shim_${letters}`,
    text: `void shim_${letters}(char *b, void *f) { ${result === "v" ? "" : `*(${types[result]} *)b = `}${cast}; }\n`,
    blockSize: (16 + 8 * parameters.length + 15) & -16,
    encodeArguments(values, view, offset, pointers) {
      if (values.length !== parameters.length) throw new TypeError(`${values.length} values for ${parameters.length}`);
      parameters.forEach((letter, i) => void write(letter, values[i], view, offset + place(i), pointers));
    },
    decodeResult: (view, offset, pointers) => read(result, view, offset, pointers),
    decodeArguments: (view, offset, pointers) =>
      parameters.map((letter, i) => read(letter, view, offset + place(i), pointers)),
    encodeResult: (value, view, offset, pointers) => write(result, value, view, offset, pointers),
  };
}

type Pointers = Parameters<BlockLayout["encodeArguments"]>[3];

/** C text of an import's thunk: the function `name` passes the number that `name_id` holds. */
export function thunk(name: string, letters: string): string {
  const [result, ...parameters] = [...letters] as Letter[];
  const types = { i: "int", d: "double", p: "void *", s: "char *", v: "void" };
  const list = parameters.map((letter, i) => `${types[letter]} a${i}`).join(", ") || "void";
  const stores = parameters.map((letter, i) => `*(${types[letter]} *)(b + ${16 + 8 * i}) = a${i};`).join(" ");
  const size = (16 + 8 * parameters.length + 15) & -16;
  return `int ${name}_id;
${types[result]} ${name}(${list}) {
  _Alignas(16) char b[${size}]; ${stores} slablink_import(${name}_id, b, ${size});
  ${result === "v" ? "" : `return *(${types[result]} *)b;`} }\n`;
}

/** What precedes thunks; `set_import(address)` has to be called before they are. */
export const importPointer = `
#include <stdint.h>
static void (*slablink_import)(uint64_t, void *, uint64_t);
void set_import(void *f) { slablink_import = (void (*)(uint64_t, void *, uint64_t))f; }
`;
