import { R_X86_64_64, R_X86_64_GOTPCREL, R_X86_64_PC32, R_X86_64_TPOFF32 } from "../../../src/arch/x86_64.ts";
import { SHF_TLS, STT_FUNC, STT_GNU_IFUNC, STT_OBJECT, STT_TLS } from "../../../src/formats/elf/constants.ts";
import { Flags, ObjectWriter } from "../object-writer.ts";
import { addTable, doubling, functionsReturning, ints, numbered, program, put, type Shape, times } from "../shape.ts";

const sizes = doubling(12_500, 4);

/** Functions of 16 bytes each, made of one instruction with a field to fix up. */
function functionsOf(object: ObjectWriter, code: readonly number[], n: number): number {
  const bytes = new Uint8Array(16 * n).fill(0xcc);
  for (let i = 0; i < n; i++) bytes.set(code, 16 * i);
  return object.section(".text", bytes, { flags: Flags.code, alignment: 16 });
}

function functionsIn(object: ObjectWriter, section: number, n: number): number[] {
  return times(n, (i) => object.symbol(numbered("f", i), { section, value: 16 * i, type: STT_FUNC, size: 16 }));
}

/** Entries of the global offset table that cannot be avoided. */
export const gotEntries: Shape = {
  name: "got-entries",
  unit: "entry",
  description: "n variables read through the global offset table, by loads that must not be rewritten",
  sizes,
  small: 300,
  make(directory, n) {
    const object = new ObjectWriter();
    const data = object.section(".data", ints(n), { flags: Flags.data, alignment: 4 });
    // mov x@GOTPCREL(%rip), %rax; mov (%rax), %eax; ret
    const text = functionsOf(object, [0x48, 0x8b, 0x05, 0, 0, 0, 0, 0x8b, 0x00, 0xc3], n);
    times(n, (i) => {
      const variable = object.symbol(numbered("x", i), { section: data, value: 4 * i, size: 4, type: STT_OBJECT });
      object.relocate(text, 16 * i + 3, R_X86_64_GOTPCREL, variable, -4);
      return variable;
    });
    addTable(object, functionsIn(object, text, n));
    return { inputs: [program(directory, "scale-calls"), put(directory, "got.o", object.bytes())] };
  },
};

/** Thread-local variables, in static thread-local storage. */
export const threadLocals: Shape = {
  name: "thread-locals",
  unit: "variable",
  description: "n thread-local variables, each with a section and a function of its own",
  sizes,
  small: 300,
  make(directory, n) {
    const object = new ObjectWriter();
    // mov %fs:x@tpoff, %eax; ret
    const text = functionsOf(object, [0x64, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0xc3], n);
    const values = ints(n);
    times(n, (i) => {
      const contents = values.subarray(4 * i, 4 * i + 4);
      const section = object.section(".tdata", contents, { flags: Flags.data | SHF_TLS, alignment: 4 });
      const variable = object.symbol(numbered("x", i), { section, size: 4, type: STT_TLS });
      object.relocate(text, 16 * i + 4, R_X86_64_TPOFF32, variable);
      return variable;
    });
    addTable(object, functionsIn(object, text, n));
    return { inputs: [program(directory, "scale-calls"), put(directory, "tls.o", object.bytes())] };
  },
};

/** Indirect functions. */
export const indirectFunctions: Shape = {
  name: "ifuncs",
  unit: "function",
  description: "n indirect functions (STT_GNU_IFUNC) with a resolver each, and a pointer to each",
  sizes,
  small: 300,
  make(directory, n) {
    const object = new ObjectWriter();
    const targets = object.section(".text.targets", functionsReturning(n), { flags: Flags.code, alignment: 16 });
    const base = object.symbol("targets", { section: targets, type: STT_FUNC, size: 8 * n });
    // lea target(%rip), %rax; ret
    const text = functionsOf(object, [0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xc3], n);
    const functions = times(n, (i) => {
      object.relocate(text, 16 * i + 3, R_X86_64_PC32, base, 8 * i - 4);
      return object.symbol(numbered("f", i), { section: text, value: 16 * i, type: STT_GNU_IFUNC, size: 8 });
    });
    addTable(object, functions);
    return { inputs: [program(directory, "scale-calls"), put(directory, "ifuncs.o", object.bytes())] };
  },
};

// DWARF 5, 6.4.1, in the form of LSB 5, "Exception Frames": a CIE of 24 bytes and FDEs of 24.
const CIE = [20, 0, 0, 0, 0, 0, 0, 0, 1, 0x7a, 0x52, 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0];
const FDE_SIZE = 24;

/** Frames of functions, for the unwinder's table. */
export const frames: Shape = {
  name: "frames",
  unit: "frame",
  description: "n functions with a frame description each, in no order of address",
  sizes,
  small: 300,
  make(directory, n) {
    const object = new ObjectWriter();
    const text = object.section(".text", functionsReturning(n), { flags: Flags.code, alignment: 16 });
    const base = object.symbol("functions", { section: text, type: STT_FUNC, size: 8 * n });
    const contents = new Uint8Array(CIE.length + FDE_SIZE * n);
    const view = new DataView(contents.buffer);
    contents.set(CIE);
    for (let i = 0; i < n; i++) {
      const at = CIE.length + FDE_SIZE * i;
      view.setUint32(at, FDE_SIZE - 4, true);
      view.setUint32(at + 4, at + 4, true);
      view.setUint32(at + 12, 8, true);
    }
    const section = object.section(".eh_frame", contents, { flags: Flags.readOnly, alignment: 8 });
    for (let i = 0; i < n; i++) {
      const place = CIE.length + FDE_SIZE * i + 8;
      // Every function once: 7919 is prime, and no size here is a multiple of it.
      object.relocate(section, place, R_X86_64_PC32, base, 8 * ((i * 7919) % n));
    }
    const table = object.section(".data.functions", new Uint8Array(8 * n), { flags: Flags.data, alignment: 8 });
    for (let i = 0; i < n; i++) object.relocate(table, 8 * i, R_X86_64_64, base, 8 * i);
    object.symbol("table", { section: table });
    const size = new Uint8Array(8);
    new DataView(size.buffer).setUint32(0, n, true);
    object.symbol("table_size", { section: object.section(".data.size", size, { flags: Flags.data, alignment: 8 }) });
    return { inputs: [program(directory, "scale-calls"), put(directory, "frames.o", object.bytes())] };
  },
};
