import { LinkError } from "../errors.ts";
import type { JITDylib } from "./jit-dylib.ts";

/** A name in a JITDylib. */
interface Place {
  readonly dylib: JITDylib;
  readonly name: string;
}

/** Errors: LinkError for names that stand for each other in a circle, of those that are not `weak`; before anything is linked. */
export function failForCircles(dylib: JITDylib, names: readonly string[], weak: ReadonlySet<string>): void {
  for (const name of names) {
    const circle = weak.has(name) ? undefined : circleOf({ dylib, name });
    if (circle !== undefined) throw circleError(circle);
  }
}

/** What to say of names, each of which stands for the next, and the last for one of them. */
export function circleError(names: readonly string[]): LinkError {
  return new LinkError("link", `${names[0]} is defined as another name for itself: ${names.join(" → ")}`);
}

/** The names from `start` on, if they lead back to one of themselves; those of other JITDylibs with theirs. */
function circleOf(start: Place): string[] | undefined {
  const passed: Place[] = [];
  for (let at: Place | undefined = start; at !== undefined; at = standsFor(at)) {
    const { dylib, name } = at;
    const known = passed.findIndex((each) => each.dylib === dylib && each.name === name);
    passed.push(at);
    if (known < 0) continue;
    return passed
      .slice(known)
      .map((each) => (each.dylib === start.dylib ? each.name : `${each.name} (${each.dylib.name})`));
  }
  return undefined;
}

/** What a name stands for; undefined when that is itself, or nothing. Absolute symbols come first, as in `findDefinition`. */
function standsFor({ dylib, name }: Place): Place | undefined {
  if (dylib.absolutes.has(name)) return undefined;
  const target = dylib.aliases.get(name) ?? dylib.lazyAliases.get(name);
  if (target !== undefined) return { dylib, name: target };
  return dylib.reexports.get(name);
}
