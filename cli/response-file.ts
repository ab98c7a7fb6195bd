import { readFileSync } from "node:fs";
import { UsageError } from "../src/errors.ts";

/** Response files may name response files, but not without end. */
const deepest = 32;

/**
 * Replaces every `@FILE` before the first `--` by the words in that file, as ld does: separated by white space, with
 * single quotes, double quotes and backslashes for words that hold some. Paths count from the working directory.
 */
export function expandResponseFiles(words: readonly string[]): string[] {
  const expanded: string[] = [];
  const expand = (some: readonly string[], depth: number): boolean => {
    for (const [index, word] of some.entries()) {
      if (word === "--") {
        expanded.push(...some.slice(index));
        return true;
      }
      if (!word.startsWith("@") || word.length === 1) expanded.push(word);
      else if (expand(readWords(word.slice(1), depth), depth + 1)) {
        expanded.push(...some.slice(index + 1));
        return true;
      }
    }
    return false;
  };
  expand(words, 0);
  return expanded;
}

function readWords(path: string, depth: number): string[] {
  if (depth >= deepest) throw new UsageError(`@${path}: response files nested more than ${deepest} deep`);
  try {
    return splitWords(readFileSync(path, "utf8"), path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`@${path}: cannot read the response file: ${(error as Error).message}`);
  }
}

/** Splits the text of a response file into its words. */
export function splitWords(text: string, path: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "\\" && at + 1 < text.length) {
      at++;
      word = (word ?? "") + text[at];
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (quote !== "") throw new UsageError(`@${path}: a quotation opened by ${quote} is never closed`);
  if (word !== undefined) words.push(word);
  return words;
}
