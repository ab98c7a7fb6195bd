import { UsageError } from "../errors.ts";
import type { NoTypes } from "../signature/inferred.ts";
import type { TypeTable } from "../signature/native-type.ts";
import { type CompileOptions, compile, type ModuleInput, SECTIONS } from "./compile.ts";
import type { Import } from "./import-function.ts";
import { Instance } from "./instance.ts";
import { COMPILE_OPTIONS, checkOptions, INSTANTIATE_OPTIONS, optionsOf, SESSION_OPTIONS } from "./known-options.ts";
import { linkInstance } from "./link-instance.ts";
import { Module } from "./module.ts";
import type { Signatures } from "./native-functions.ts";
import { Session, type SessionOptions } from "./session.ts";

/** How a module is linked, and what of it JavaScript is to see. */
export interface InstantiateOptions<
  E extends Signatures = Signatures,
  Isolated extends boolean = boolean,
  T extends TypeTable = NoTypes,
> extends SessionOptions<Isolated> {
  /** A session to link into, shared with other instances; by default each instance has its own. */
  readonly session?: Session<Isolated>;
  /** What undefined symbols are: JavaScript functions (`importFunction`) or addresses. */
  readonly imports?: { readonly [name: string]: Import };
  /** Other instances of the session: what the module leaves undefined is looked for in them, in this order. */
  readonly link?: readonly Instance[];
  /** Signatures of the functions that `instance.exports` is to have. */
  readonly exports?: E;
  /** Further symbols that are wanted, for example to be viewed: members of archives that define them are linked. */
  readonly symbols?: readonly string[];
  /**
   * Objects can be exchanged while the program runs (`instance.replace`): functions are reached through stubs. Sources are compiled with a section
   * for each function and variable then.
   */
  readonly replaceable?: boolean;
  /** Names that signatures in C text may use, such as structures. */
  readonly types?: T;
}

/**
 * Links a module into a process, this one or an executor, and runs its constructors. Errors: LinkError and its kin (UndefinedSymbolsError has
 * all names and who refers to them), ExecutorError when a constructor ends the executor; nothing is left behind.
 */
export async function instantiate<
  const E extends Signatures = Record<never, never>,
  Isolated extends boolean = false,
  T extends TypeTable = NoTypes,
>(
  module: Module | ModuleInput | readonly ModuleInput[],
  options: InstantiateOptions<E, Isolated, T> & CompileOptions = {},
): Promise<Instance<E, Isolated, T>> {
  checkOptions("instantiate", options, INSTANTIATE_OPTIONS);
  const { replaceable = false } = options;
  const flags = [...(replaceable ? SECTIONS : []), ...(options.flags ?? [])];
  const compileOptions = { ...optionsOf<CompileOptions>(options, COMPILE_OPTIONS), flags };
  const compiled = module instanceof Module ? module : await compile(module, compileOptions);
  const { session: given } = options;
  if (given !== undefined && options.isolated !== undefined && options.isolated !== given.isolated) {
    throw new UsageError(
      `the session is ${given.isolated ? "" : "not "}isolated, and isolated: ${options.isolated} is asked for`,
    );
  }
  if (options.link?.some(({ session }) => session !== given)) {
    throw new UsageError("link: only instances of the session that is given can be linked with");
  }
  await given?.revive();
  const session = given ?? (await Session.open(optionsOf<SessionOptions<Isolated>>(options, SESSION_OPTIONS)));
  try {
    const { exports = {} as E, symbols = [], types, imports = {}, link = [] } = options;
    const recipe = { module: compiled, signatures: exports, imports, symbols, types, replaceable, link };
    const linked = await linkInstance(session, recipe);
    return new Instance<E, Isolated, T>({ recipe, session, linked, ownsSession: given === undefined });
  } catch (error) {
    if (given === undefined) await session.dispose();
    throw error;
  }
}
