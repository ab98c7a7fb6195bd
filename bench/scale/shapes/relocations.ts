import { R_X86_64_64, R_X86_64_PC32, R_X86_64_PLT32 } from "../../../src/arch/x86_64.ts";
import { STT_FUNC, STT_OBJECT } from "../../../src/formats/elf/constants.ts";
import { Flags, ObjectWriter } from "../object-writer.ts";
import {
  addTable,
  doubling,
  functionsReturning,
  ints,
  numbered,
  program,
  put,
  type Shape,
  sharedLibrary,
  times,
} from "../shape.ts";

/** How many symbols all these relocations refer to. */
const SYMBOLS = 1000;

/** One section of data with n pointers. */
export const relocations: Shape = {
  name: "relocations",
  unit: "relocation",
  description: "one section with n R_X86_64_64 relocations",
  sizes: doubling(250_000, 5),
  small: 3000,
  make(directory, n) {
    const object = new ObjectWriter();
    const values = object.section(".data.values", ints(n), { flags: Flags.data, alignment: 4 });
    const base = object.symbol("values", { section: values, type: STT_OBJECT, size: 4 * n });
    const table = object.section(".data.table", new Uint8Array(8 * n), { flags: Flags.data, alignment: 8 });
    for (let i = 0; i < n; i++) object.relocate(table, 8 * i, R_X86_64_64, base, 4 * i);
    object.symbol("table", { section: table });
    const size = new Uint8Array(8);
    new DataView(size.buffer).setUint32(0, n, true);
    object.symbol("table_size", { section: object.section(".data.size", size, { flags: Flags.data, alignment: 8 }) });
    return { inputs: [program(directory, "scale-values"), put(directory, "pointers.o", object.bytes())] };
  },
};

/** One section of code with n calls. */
export const calls: Shape = {
  name: "calls",
  unit: "call",
  description: `one section of code with n calls of ${SYMBOLS} functions in another object`,
  sizes: doubling(250_000, 4),
  small: 3000,
  make(directory, n) {
    const callees = new ObjectWriter();
    const text = callees.section(".text", functionsReturning(SYMBOLS), { flags: Flags.code, alignment: 16 });
    for (let i = 0; i < SYMBOLS; i++) callees.symbol(numbered("f", i), { section: text, value: 8 * i, type: STT_FUNC });
    const object = new ObjectWriter();
    // push %rax; call f…; (n times); pop %rdx; xor %eax, %eax; ret: entry 0 of the table.
    const code = new Uint8Array(5 * n + 5);
    code[0] = 0x50;
    for (let i = 0; i < n; i++) code[1 + 5 * i] = 0xe8;
    code.set([0x5a, 0x31, 0xc0, 0xc3], 5 * n + 1);
    const section = object.section(".text", code, { flags: Flags.code, alignment: 16 });
    const functions = times(SYMBOLS, (i) => object.symbol(numbered("f", i)));
    for (let i = 0; i < n; i++) object.relocate(section, 5 * i + 2, R_X86_64_PLT32, functions[i % SYMBOLS]!, -4);
    addTable(object, [object.symbol("all", { section, type: STT_FUNC, size: code.length })]);
    const inputs = [program(directory, "scale-calls"), put(directory, "calls.o", object.bytes())];
    return { inputs: [...inputs, put(directory, "callees.o", callees.bytes())] };
  },
};

/** Functions of a shared library, each called once: a stub and a GOT entry for each. */
export const externals: Shape = {
  name: "externals",
  unit: "function",
  description: "n functions of a shared library, called: a stub and a slot for each",
  sizes: doubling(12_500, 4),
  small: 300,
  make(directory, n) {
    const names = times(n, (i) => numbered("external", i));
    const library = sharedLibrary(directory, "functions", names, {
      bytes: functionsReturning(n),
      stride: 8,
      flags: Flags.code,
      type: STT_FUNC,
    });
    const object = new ObjectWriter();
    const own = callersOf(object, names);
    addTable(object, own);
    return { inputs: [program(directory, "scale-calls"), put(directory, "callers.o", object.bytes()), library] };
  },
};

/** Variables of a shared library that code reaches by 32 bits: a copy of each in the anchor. */
export const copies: Shape = {
  name: "copies",
  unit: "variable",
  description: "n variables of a shared library, reached by 32 bits: a copy relocation for each",
  sizes: doubling(2500, 4),
  small: 300,
  make(directory, n) {
    const names = times(n, (i) => numbered("variable", i));
    const library = sharedLibrary(directory, "variables", names, {
      bytes: ints(n),
      stride: 4,
      flags: Flags.data,
      type: STT_OBJECT,
    });
    const object = new ObjectWriter();
    addTable(object, readersOf(object, names));
    return { inputs: [program(directory, "scale-calls"), put(directory, "readers.o", object.bytes()), library] };
  },
};

/** `jmp name` for each name, in a section of `object`; gives the symbols of these functions. */
function callersOf(object: ObjectWriter, names: readonly string[]): number[] {
  return referringTo(object, names, [0xe9], R_X86_64_PLT32);
}

/** `mov name(%rip), %eax; ret` for each name. */
function readersOf(object: ObjectWriter, names: readonly string[]): number[] {
  return referringTo(object, names, [0x8b, 0x05], R_X86_64_PC32);
}

function referringTo(
  object: ObjectWriter,
  names: readonly string[],
  opcode: readonly number[],
  type: number,
): number[] {
  const code = new Uint8Array(8 * names.length).fill(0xc3);
  names.forEach((_, i) => {
    code.set(opcode, 8 * i);
  });
  const section = object.section(".text", code, { flags: Flags.code, alignment: 16 });
  return names.map((name, i) => {
    object.relocate(section, 8 * i + opcode.length, type, object.symbol(name), -4);
    return object.symbol(`own_${name}`, { section, value: 8 * i, type: STT_FUNC, size: 8 });
  });
}
