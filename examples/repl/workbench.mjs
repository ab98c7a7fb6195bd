// A process with functions that come one by one, and can be replaced while the others stay.
import { performance } from "node:perf_hooks";
import { compile, instantiate, Session } from "slablink";

/** Ends an expression that never would; ms. */
const TIME_LIMIT = 2000;
const FLAGS = ["-O1", "-g", "-w"];
const HEADERS = ["ctype.h", "math.h", "stdint.h", "stdio.h", "stdlib.h", "string.h"];
/** For a value of any scalar type: printf's conversion, in C. */
const CONVERSION = `_Generic(value,
  char *: "%s", const char *: "%s", float: "%.9g", double: "%.17g", char: "'%c'",
  signed char: "%d", short: "%d", int: "%d", long: "%ld", long long: "%lld",
  _Bool: "%d", unsigned char: "%u", unsigned short: "%u", unsigned: "%u", unsigned long: "%lu", unsigned long long: "%llu",
  default: "%p")`;

/**
 * A function: how others see it, what it is now, and the stub that leads to it, which stays.
 * @typedef {object} Definition
 * @property {string} declaration
 * @property {import("slablink").Module} module
 * @property {import("slablink").Instance} [instance]
 * @property {import("slablink").RedirectableSymbols} [stub]
 */

export class Workbench {
  /** @type {Map<string, Definition>} */
  #functions = new Map();
  #prelude = HEADERS.map((name) => `#include <${name}>\n`).join("");
  /** @type {Session<true>} */
  #session;
  #stubs;

  static async open() {
    const workbench = new Workbench();
    await workbench.#start();
    return workbench;
  }

  /** Types, macros, headers: whatever is to be in front of all that follows. Errors: LinkError with the compiler's words. */
  async declare(text) {
    await this.#compile("declaration", text);
    this.#prelude += `${text}\n`;
  }

  /** Adds a function, or has its name lead to another one. Answers what it took, in ms. Errors: LinkError. */
  async define(name, declaration, text) {
    const known = this.#functions.get(name);
    if (known !== undefined && known.declaration !== declaration) {
      throw new Error(`what calls ${name} has been compiled for \`${known.declaration}\``);
    }
    const start = performance.now();
    const definition = { ...known, declaration, module: await this.#compile(name, text, name) };
    const compiled = performance.now();
    await this.#link(name, definition);
    this.#functions.set(name, definition);
    // Nothing runs there while nobody calls, so that the old one can go.
    await known?.instance.dispose();
    return { isNew: known === undefined, compiled: compiled - start, linked: performance.now() - compiled };
  }

  /** The value of an expression, as text; null for a statement, which ends with `;` or `}`. */
  async evaluate(text) {
    const isStatement = /[;}]$/.test(text);
    const body = isStatement
      ? `  const char *result = 0;\n#line 1\n${text}\n`
      : `  static char result[256];\n#line 1\n__auto_type value = (${text});\n  snprintf(result, sizeof result, ${CONVERSION}, value);\n`;
    const module = await this.#compile(
      "input",
      `const char *evaluate(void) {\n${body}  fflush(stdout);\n  return result;\n}`,
    );
    const exports = { evaluate: "const char *evaluate(void)" };
    try {
      const instance = await instantiate(module, { session: this.#session, imports: this.#addresses(), exports });
      try {
        return await instance.exports.evaluate.with({ timeout: TIME_LIMIT })();
      } finally {
        await instance.dispose();
      }
    } finally {
      if (this.#session.hasEnded) await this.#startAgain();
    }
  }

  close() {
    return this.#session.dispose();
  }

  async #start() {
    this.#session = await Session.open({ isolated: true });
    this.#stubs = this.#session.execution.createJITDylib("stubs");
  }

  /** Another process, with all functions as they were defined last. */
  async #startAgain() {
    await this.#session.dispose();
    await this.#start();
    const definitions = [...this.#functions];
    this.#functions.clear();
    for (const [name, { declaration, module }] of definitions) {
      const definition = { declaration, module };
      await this.#link(name, definition);
      this.#functions.set(name, definition);
    }
  }

  /** Links a function as it is now, and has its stub lead there. */
  async #link(name, definition) {
    const { module } = definition;
    const imports = this.#addresses(name);
    definition.instance = await instantiate(module, { session: this.#session, imports, symbols: [name] });
    const targets = { [name]: definition.instance.address(name) };
    if (definition.stub !== undefined) await definition.stub.redirect(targets);
    else definition.stub = await this.#session.execution.createRedirectableSymbols(this.#stubs, targets);
  }

  /** What names lead to, but for the one that is about to be defined. */
  #addresses(except) {
    const others = [...this.#functions].filter(([name]) => name !== except);
    return Object.fromEntries(others.map(([name, { stub }]) => [name, stub.address(name)]));
  }

  #compile(name, text, defined) {
    const others = [...this.#functions].filter(([other]) => other !== defined);
    const declarations = others.map(([, { declaration }]) => `${declaration};\n`).join("");
    return compile([{ name: `${name}.c`, source: `${this.#prelude}${declarations}#line 1\n${text}\n` }, "-lm"], {
      flags: FLAGS,
    });
  }
}
