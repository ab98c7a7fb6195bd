import type { Input } from "../inputs/input.ts";
import { type ModuleContents, type ModuleSection, type ModuleSymbol, readContents } from "./module-symbols.ts";

/**
 * Inputs that have been found, read and told apart, ready to be linked any number of times, into any number of processes
 * (WebAssembly's Module). Made by `compile`.
 */
export class Module {
  /** @internal In the order in which they were named. */
  readonly inputs: readonly Input[];
  #contents: ModuleContents | undefined;

  /** @internal */
  constructor(inputs: readonly Input[]) {
    this.inputs = inputs;
  }

  /** Names of what it was made of, as they were given or found. */
  get files(): readonly string[] {
    return this.inputs.map(({ name }) => name);
  }

  /**
   * What its objects refer to and neither they nor its archives define: C library functions, which the process has, and what
   * `instantiate` is to be given as imports.
   */
  get imports(): readonly ModuleSymbol[] {
    return this.#read().imports;
  }

  /** Symbols that can be asked for: those of its objects that are not hidden, and those of its archives' indexes. */
  get exports(): readonly ModuleSymbol[] {
    return this.#read().exports;
  }

  /** Sections of its objects that become part of a program's memory. */
  get sections(): readonly ModuleSection[] {
    return this.#read().sections;
  }

  #read(): ModuleContents {
    this.#contents ??= readContents(this.inputs);
    return this.#contents;
  }
}
