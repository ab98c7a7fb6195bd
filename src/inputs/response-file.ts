import { readFileSync } from "node:fs";
import { UsageError } from "../errors.ts";
import { fileError } from "../host/system-error.ts";

/**
 * Replaces each `@FILE` by the words of that file, as gcc and GNU ld do: a file may name further ones (relative to the
 * working directory), and an `@FILE` that does not exist stays an ordinary argument. What follows `--` belongs to the
 * program and stays as it is. Throws a UsageError when files name each other in a circle, and a SlablinkError of code
 * "file" for one that exists but cannot be read.
 */
export function expandResponseFiles(args: readonly string[]): string[] {
  const expanded: string[] = [];
  expand(args, [], expanded);
  return expanded;
}

/** Returns false once `--` has been seen. */
function expand(args: readonly string[], open: readonly string[], expanded: string[]): boolean {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === "--") {
      for (; i < args.length; i++) expanded.push(args[i]);
      return false;
    }
    const file = arg.slice(1);
    const text = arg.startsWith("@") && file !== "" ? readResponseFile(file) : undefined;
    if (text === undefined) {
      expanded.push(arg);
      continue;
    }
    if (open.includes(file)) {
      throw new UsageError(`response files name each other in a circle: @${[...open, file].join(" → @")}`);
    }
    if (!expand(splitResponseFile(text), [...open, file], expanded)) {
      for (i++; i < args.length; i++) expanded.push(args[i]);
      return false;
    }
  }
  return true;
}

function readResponseFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw fileError(path, error);
  }
}

/**
 * libiberty's rules: white space separates words; '…' and "…" group; a backslash, inside quotes as well, takes the next
 * character as it is; an open quotation ends with the file.
 */
export function splitResponseFile(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "\\") {
      i++;
      word = (word ?? "") + (text[i] ?? "");
    } else if (quote !== "") {
      if (c === quote) quote = "";
      else word += c;
    } else if (/[ \t\n\v\f\r]/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word ??= "";
      if (c === "'" || c === '"') quote = c;
      else word += c;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}
