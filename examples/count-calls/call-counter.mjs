// A plugin that counts how often functions are called: each call leads to a few instructions that count, and go on to the function.

/** @typedef {import("slablink").LinkPlugin} LinkPlugin */

// biome-ignore format: an instruction a line
const CODE = Uint8Array.of(
  0xf0, 0x48, 0xff, 0x05, 0, 0, 0, 0,   // lock incq counter(%rip)      threads may call at the same time
  0xe9, 0, 0, 0, 0,                     // jmp function                 with its arguments and its stack as they were
);
/** Where the displacements are in it; each counts from the end of its 4 bytes, which is its instruction's. */
const COUNTER = 4;
const FUNCTION = 9;
const ADDEND = -4;

/** @implements {LinkPlugin} */
export class CallCounter {
  name = "count calls";
  #functions = new Set();

  /** The functions that are called, by what has been linked. @returns {string[]} */
  get functions() {
    return [...this.#functions];
  }

  /** The variable that has a function's count, of 8 bytes. @param {string} name */
  variable(name) {
    return `calls of ${name}`;
  }

  /** @type {NonNullable<LinkPlugin["prePrune"]>} */
  prePrune(object) {
    for (const relocation of [...object.relocations()]) {
      const { name, binding } = relocation.symbol;
      if (!relocation.isCall || binding === "local") continue;
      const entry = `counted ${name}`;
      if (!this.#functions.has(name)) {
        this.#functions.add(name);
        this.#addCounter(object, name, entry);
      }
      relocation.symbol = object.symbol(entry);
    }
  }

  /** Into the first object that calls the function; others refer to it. */
  #addCounter(object, name, entry) {
    const data = object.addSection({ name: `.data.counter.${name}`, kind: "data", bytes: new Uint8Array(8) });
    object.addSymbol({ name: this.variable(name), section: data, size: 8 });
    const relocations = [
      { offset: COUNTER, kind: "R_X86_64_PC32", symbol: this.variable(name), addend: ADDEND },
      { offset: FUNCTION, kind: "R_X86_64_PLT32", symbol: name, addend: ADDEND },
    ];
    const code = object.addSection({ name: `.text.counter.${name}`, kind: "code", bytes: CODE, relocations });
    object.addSymbol({ name: entry, section: code, size: CODE.length });
  }
}
