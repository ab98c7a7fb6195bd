import { R_X86_64_64 } from "../../../src/arch/x86_64.ts";
import { STB_WEAK, STT_FUNC, STT_OBJECT } from "../../../src/formats/elf/constants.ts";
import { archiveOf } from "../archive-writer.ts";
import { Flags, ObjectWriter } from "../object-writer.ts";
import {
  addTable,
  doubling,
  ints,
  numbered,
  program,
  put,
  type Shape,
  sharedLibrary,
  tableOf,
  times,
  words,
} from "../shape.ts";

/** An object that defines the names as the ints 0, 1, … */
function defining(names: readonly string[], binding = 1, first = 0): ObjectWriter {
  const object = new ObjectWriter();
  const contents = ints(first + names.length).subarray(4 * first);
  const section = object.section(".data", contents, { flags: Flags.data, alignment: 4 });
  names.forEach((name, i) => {
    object.symbol(name, { section, value: 4 * i, size: 4, type: STT_OBJECT, binding });
  });
  return object;
}

function namesShape(shape: Omit<Shape, "make" | "unit">, name: (i: number) => string): Shape {
  return {
    ...shape,
    unit: "symbol",
    make(directory, n) {
      const names = times(n, name);
      const definitions = put(directory, "definitions.o", defining(names).bytes());
      return { inputs: [program(directory, "scale-values"), definitions, put(directory, "table.o", tableOf(names))] };
    },
  };
}

const sizes = doubling(25_000, 4);
const R_X86_64_SIZE64 = 33;

/** What a name costs that differs from all others only at its end. */
export const prefix = namesShape(
  {
    name: "prefix",
    description: "n symbols with 200 characters in common, different in the last ones",
    sizes,
    small: 300,
  },
  (i) => numbered("common_prefix_".repeat(14), i),
);

/** The same the other way round, and in bytes that a weak hash would drop. */
export const suffix = namesShape(
  { name: "suffix", description: "n symbols different in the first characters, with 200 in common", sizes, small: 300 },
  (i) => `${numbered("s", i)}${"_common_suffix".repeat(14)}`,
);

/** Names that are numbers in another base, one bit apart. */
export const dense = namesShape(
  {
    name: "dense",
    description: "n symbols of four characters each, every combination of few letters",
    sizes,
    small: 300,
  },
  (i) => `_${String.fromCharCode(65 + (i & 31), 65 + ((i >> 5) & 31), 65 + ((i >> 10) & 31), 65 + (i >> 15))}`,
);

/** C++ templates make such names. */
export const longNames = namesShape(
  {
    name: "long-names",
    description: "n symbols whose names have 5000 characters",
    sizes: doubling(2500, 4),
    small: 300,
  },
  (i) => numbered("x".repeat(5000), i),
);

/** Weak definitions that strong ones replace. */
export const weak: Shape = {
  name: "weak",
  unit: "symbol",
  description: "n weak symbols defined in one object, and strongly in another",
  sizes,
  small: 300,
  make(directory, n) {
    const names = times(n, (i) => numbered("weak", i));
    const files = [
      put(directory, "weak.o", defining(names, STB_WEAK, 7).bytes()),
      put(directory, "strong.o", defining(names).bytes()),
      put(directory, "table.o", tableOf(names)),
    ];
    return { inputs: [program(directory, "scale-values"), ...files] };
  },
};

/** Tentative definitions, as -fcommon makes them. */
export const commons: Shape = {
  name: "commons",
  unit: "symbol",
  description: "n common symbols, in two objects with different sizes",
  sizes,
  small: 300,
  make(directory, n) {
    const files = [4, 8].map((size) => {
      const object = new ObjectWriter();
      times(n, (i) => object.common(numbered("common", i), size, 4, STT_OBJECT));
      return put(directory, `${size}.o`, object.bytes());
    });
    const first = put(directory, "table.o", tableOf([numbered("common", n - 1)]));
    return { inputs: [program(directory, "scale-values"), ...files, first] };
  },
};

/** Common symbols that an archive has too: is its form of them a definition? */
export const archiveCommons: Shape = {
  name: "archive-commons",
  unit: "symbol",
  description: "n common symbols in an object, and the same in one member of an archive with n definitions of its own",
  sizes,
  small: 300,
  make(directory, n) {
    const names = times(n, (i) => numbered("common", i));
    const [object, member] = [new ObjectWriter(), new ObjectWriter()];
    for (const name of names) {
      object.common(name, 4, 4, STT_OBJECT);
      member.common(name, 8, 8, STT_OBJECT);
    }
    const section = member.section(".data", new Uint8Array(4), { flags: Flags.data, alignment: 4 });
    const others = times(n, (i) => numbered("other", i));
    for (const name of others) member.symbol(name, { section, size: 4, type: STT_OBJECT });
    const archive = archiveOf([{ name: "commons.o", bytes: member.bytes(), symbols: [...names, ...others] }]);
    const inputs = [program(directory, "scale-values"), put(directory, "commons.o", object.bytes())];
    return { inputs: [...inputs, put(directory, "table.o", tableOf([names[0]!])), put(directory, "c.a", archive)] };
  },
};

/** What is reported when a library has been forgotten. */
export const undefinedNames: Shape = {
  name: "undefined",
  unit: "symbol",
  description: "n undefined symbols, referred to by n functions: the error",
  sizes: doubling(12_500, 4),
  small: 300,
  make(directory, n) {
    const object = new ObjectWriter();
    const section = object.section(".data", words(times(n, () => 0)), { flags: Flags.data, alignment: 8 });
    times(n, (i) => {
      object.symbol(numbered("holder", i), { section, value: 8 * i, size: 8, type: STT_FUNC });
      object.relocate(section, 8 * i, R_X86_64_64, object.symbol(numbered("missing", i)));
      return i;
    });
    const inputs = [program(directory, "scale-main"), put(directory, "missing.o", object.bytes())];
    return { inputs, failure: /undefined symbol: missing0000000/ };
  },
};

/** What is reported when an object is named twice. */
export const duplicates: Shape = {
  name: "duplicates",
  unit: "symbol",
  description: "n symbols defined twice: the error",
  sizes: doubling(12_500, 4),
  small: 300,
  make(directory, n) {
    const names = times(n, (i) => numbered("twice", i));
    const files = ["first.o", "second.o"].map((file) => put(directory, file, defining(names).bytes()));
    return { inputs: [program(directory, "scale-main"), ...files], failure: /duplicate symbol: twice0000000/ };
  },
};

/** Names that are thread-local here and not there. */
export const mismatches: Shape = {
  name: "mismatches",
  unit: "symbol",
  description: "n symbols that one object takes for thread-local and another does not: the error",
  sizes: doubling(2500, 4),
  small: 300,
  make(directory, n) {
    const names = times(n, (i) => numbered("local", i));
    const object = new ObjectWriter();
    for (const name of names) object.symbol(name, { type: 6 });
    const files = [put(directory, "first.o", defining(names).bytes()), put(directory, "second.o", object.bytes())];
    const inputs = [program(directory, "scale-main"), ...files];
    return { inputs, failure: /local0000000 is thread-local/, onlyHere: "ld.lld does not look" };
  },
};

/** References to versions, as assembler's .symver makes them. */
export const versions: Shape = {
  name: "versions",
  unit: "symbol",
  description: "n definitions name@@VERSION, each referred to as name@VERSION",
  sizes: doubling(12_500, 4),
  small: 300,
  make(directory, n) {
    const definitions = put(directory, "v.o", defining(times(n, (i) => `${numbered("v", i)}@@VERSION_1`)).bytes());
    const table = put(directory, "table.o", tableOf(times(n, (i) => `${numbered("v", i)}@VERSION_1`)));
    return { inputs: [program(directory, "scale-values"), definitions, table], onlyHere: "without a version script" };
  },
};

/** References to the versions that a shared library has by default. */
export const libraryVersions: Shape = {
  name: "library-versions",
  unit: "symbol",
  description: "n variables of a shared library with a version, each referred to as name@VERSION",
  sizes: doubling(6250, 4),
  small: 300,
  make(directory, n) {
    const names = times(n, (i) => numbered("v", i));
    const script = put(directory, "versions", Buffer.from("VERSION_1 { *; };\n"));
    const contents = { bytes: ints(n), stride: 4, flags: Flags.data, type: STT_OBJECT };
    const library = sharedLibrary(directory, "versions", names, contents, [`-Wl,--version-script=${script}`]);
    const table = put(directory, "table.o", tableOf(names.map((name) => `${name}@VERSION_1`)));
    return { inputs: [program(directory, "scale-values"), table, library] };
  },
};

/** Sizes of a library's variables, which nothing in the job says. */
export const sizesOutside: Shape = {
  name: "sizes",
  unit: "symbol",
  description: "n variables of a shared library, of which code has the sizes (R_X86_64_SIZE64)",
  sizes: doubling(6250, 4),
  small: 300,
  make(directory, n) {
    const names = times(n, (i) => numbered("sized", i));
    const contents = { bytes: ints(n), stride: 4, flags: Flags.data, type: STT_OBJECT };
    const library = sharedLibrary(directory, "sizes", names, contents);
    const object = new ObjectWriter();
    const symbols = names.map((name) => object.symbol(name));
    addTable(object, symbols);
    const section = object.section(".data.sizes", new Uint8Array(8 * n), { flags: Flags.data, alignment: 8 });
    symbols.forEach((symbol, i) => {
      object.relocate(section, 8 * i, R_X86_64_SIZE64, symbol);
    });
    const inputs = [program(directory, "scale-values"), put(directory, "sizes.o", object.bytes()), library];
    return { inputs, onlyHere: "ld.lld refuses the size of what a library defines" };
  },
};
