import { STB_WEAK, STT_FUNC, STT_OBJECT } from "../../../src/formats/elf/constants.ts";
import { Flags, ObjectWriter } from "../object-writer.ts";
import {
  addTable,
  doubling,
  functionReturning,
  functionsReturning,
  ints,
  numbered,
  program,
  put,
  type ScaleProgram,
  type Shape,
  tableOf,
  times,
} from "../shape.ts";

/** Each function in a section of its own, as -ffunction-sections does. */
export const sections: Shape = {
  name: "sections",
  unit: "section",
  description: "one object with n sections of one function each (-ffunction-sections), and a pointer to each",
  sizes: doubling(62_500, 5),
  small: 70_000,
  make: (directory, n) => ({
    inputs: [program(directory, "scale-calls"), put(directory, "sections.o", inSections(n))],
  }),
};

function inSections(n: number, name = (i: number): string => `.text.${numbered("f", i)}`): Uint8Array {
  const object = new ObjectWriter();
  const functions = times(n, (i) => {
    const section = object.section(name(i), functionReturning(i), { flags: Flags.code, alignment: 8 });
    return object.symbol(numbered("f", i), { section, type: STT_FUNC, size: 6 });
  });
  addTable(object, functions);
  return object.bytes();
}

/** Names of sections of a kilobyte each, which differ at the end. */
export const sectionNames: Shape = {
  name: "section-names",
  unit: "section",
  description: "one object with n sections whose names have 1000 characters",
  sizes: doubling(25_000, 4),
  small: 1000,
  make(directory, n) {
    const prefix = `.text.${"n".repeat(994)}`;
    const file = put(
      directory,
      "sections.o",
      inSections(n, (i) => numbered(prefix, i)),
    );
    return { inputs: [program(directory, "scale-calls"), file] };
  },
};

/** An object of COMDAT groups `from` to `to`, one function and one reference in each. */
function groups(from: number, to: number, value: (i: number) => number): ObjectWriter {
  const object = new ObjectWriter();
  for (let i = from; i < to; i++) {
    const name = numbered("inline", i);
    const section = object.section(`.text.${name}`, functionReturning(value(i)), { flags: Flags.code, alignment: 8 });
    const symbol = object.symbol(name, { section, type: STT_FUNC, binding: STB_WEAK, size: 6 });
    object.comdat(symbol, [section]);
  }
  return object;
}

/** Inline functions of C++: many different ones in two objects. */
export const comdatGroups: Shape = {
  name: "comdat-groups",
  unit: "group",
  description: "n COMDAT groups, the same in two objects",
  sizes: doubling(25_000, 4),
  small: 1000,
  make(directory, n) {
    const files = [0, 1].map((copy) => put(directory, `${copy}.o`, groups(0, n, (i) => i + copy * n).bytes()));
    const table = put(directory, "table.o", tableOf(times(n, (i) => numbered("inline", i))));
    return { inputs: [program(directory, "scale-calls"), ...files, table] };
  },
};

/** Every file has the same inline functions, and uses some. */
export const comdatSame: Shape = {
  name: "comdat-same",
  unit: "object",
  description: "n objects with the same 20 COMDAT groups",
  sizes: doubling(1250, 4),
  small: 100,
  make(directory, n): ScaleProgram {
    const files = times(n, (copy) => put(directory, `${copy}.o`, groups(0, 20, (i) => i + copy * n).bytes()));
    const table = put(directory, "table.o", tableOf(times(20, (i) => numbered("inline", i))));
    return { inputs: [program(directory, "scale-calls"), ...files, table] };
  },
};

/** `__start_` and `__stop_` of many sections. */
export const sets: Shape = {
  name: "sets",
  unit: "set",
  description: "n sections with names like C identifiers, and references to __start_ and __stop_ of each",
  sizes: doubling(12_500, 4),
  small: 500,
  make(directory, n) {
    const object = new ObjectWriter();
    const contents = ints(n);
    const starts = times(n, (i) => {
      const name = numbered("set", i);
      object.section(name, contents.subarray(4 * i, 4 * i + 4), { flags: Flags.data, alignment: 4 });
      object.symbol(`__stop_${name}`);
      return object.symbol(`__start_${name}`);
    });
    addTable(object, starts);
    return { inputs: [program(directory, "scale-values"), put(directory, "sets.o", object.bytes())] };
  },
};

const SHT_INIT_ARRAY = 14;

/** Constructors with priorities. */
export const constructors: Shape = {
  name: "constructors",
  unit: "constructor",
  description: "n sections .init_array.N with one function each, in no order",
  sizes: doubling(12_500, 4),
  small: 500,
  make(directory, n) {
    const object = new ObjectWriter();
    const text = object.section(".text", functionsReturning(n), { flags: Flags.code, alignment: 16 });
    times(n, (i) => {
      const name = `.init_array.${`${(i * 7919) % 60_000}`.padStart(5, "0")}`;
      const options = { flags: Flags.data, alignment: 8, type: SHT_INIT_ARRAY };
      const section = object.section(name, new Uint8Array(8), options);
      const symbol = object.symbol(numbered("construct", i), { section: text, value: 8 * i, type: STT_FUNC });
      object.relocate(section, 0, 1, symbol);
      return section;
    });
    return { inputs: [program(directory, "scale-main"), put(directory, "constructors.o", object.bytes())] };
  },
};

/** Zero-filled memory, which costs address space and nothing else. */
export const zeroFill: Shape = {
  name: "zero-fill",
  unit: "MiB",
  description: "n MiB of .bss",
  sizes: doubling(192, 4),
  small: 64,
  make(directory, n) {
    const object = new ObjectWriter();
    const section = object.section(".bss", undefined, { flags: Flags.data, alignment: 4096, size: n * 2 ** 20 });
    const first = object.symbol("first", { section, type: STT_OBJECT, size: 4 });
    addTable(object, [first]);
    return { inputs: [program(directory, "scale-values"), put(directory, "bss.o", object.bytes())] };
  },
};
