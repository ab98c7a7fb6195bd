import { basename, extname } from "node:path";
import type { InputItem } from "./input.ts";
import { CXX_SUFFIXES } from "./sources.ts";

/**
 * The inputs, and behind them the libraries that a C++ compiler links without being asked if there is a C++ source among
 * them, unless they bring a C++ library of their own. Objects do not show their language; they need `-lstdc++`.
 */
export function withDefaultLibraries(items: readonly InputItem[]): readonly InputItem[] {
  const isCxx = items.some((item) => item.kind !== "library" && CXX_SUFFIXES.has(extname(nameOf(item))));
  if (!isCxx || items.some(isCxxLibrary)) return items;
  return [...items, ...["stdc++", "m", "gcc_s"].map((name) => ({ kind: "library", name, asNeeded: true }) as const)];
}

function isCxxLibrary(item: InputItem): boolean {
  const name = item.kind === "library" ? `lib${item.name.replace(/^:(lib)?/, "")}.` : basename(nameOf(item));
  return /^lib(std)?c\+\+\./.test(name);
}

function nameOf(item: Exclude<InputItem, { kind: "library" }>): string {
  return item.kind === "file" ? item.path : item.reader.name;
}
