import { UsageError } from "../src/errors.ts";
import { didYouMean } from "./hint.ts";

/**
 * One option of a command. A name ending in a letter after a single dash (`-l`, `-L`) also takes its value glued on,
 * as in ld; `--name` takes it behind `=` or as the next word.
 */
export interface Option {
  /** Every spelling, with its dashes; the first is the one that messages use. */
  readonly names: readonly string[];
  /** What the value is called in messages; absent if the option takes none. */
  readonly value?: string;
  /** The value may be left out, and then only `=` attaches one. */
  readonly optionalValue?: boolean;
  /** Called in the order of the command line. */
  set(value: string, spelling: string): void;
}

/**
 * Goes through the words from left to right and calls `set` of the options and `input` for everything else. Returns
 * what stands after the first `--`. Order is kept since, as in ld, an option may speak of the inputs behind it.
 * @throws UsageError on an unknown option, a missing value or one too many.
 */
export function parseOptions(
  words: readonly string[],
  options: readonly Option[],
  input: (word: string) => void,
  command: string,
): string[] {
  const exact = new Map<string, Option>();
  for (const option of options) for (const name of option.names) exact.set(name, option);
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === "--") return words.slice(at + 1);
    if (!word.startsWith("-") || word === "-") {
      input(word);
      continue;
    }
    const option = exact.get(word);
    if (option === undefined) {
      setGlued(word, exact, command);
    } else if (option.value === undefined || option.optionalValue) {
      option.set("", word);
    } else {
      at++;
      if (at >= words.length) throw new UsageError(`${word} needs a value: ${usageOf(option)}`);
      option.set(words[at], word);
    }
  }
  return [];
}

function setGlued(word: string, exact: ReadonlyMap<string, Option>, command: string): void {
  const equals = word.indexOf("=");
  if (word.startsWith("--") && equals > 0) {
    const name = word.slice(0, equals);
    const option = exact.get(name);
    if (option !== undefined) {
      if (option.value === undefined) throw new UsageError(`${name} takes no value, but was given '${word}'`);
      option.set(word.slice(equals + 1), name);
      return;
    }
  } else if (!word.startsWith("--")) {
    const option = exact.get(word.slice(0, 2));
    if (option?.value !== undefined && word.length > 2) {
      option.set(word.slice(2), word.slice(0, 2));
      return;
    }
  }
  const name = equals > 0 ? word.slice(0, equals) : word;
  throw new UsageError(
    `unknown option '${name}'${didYouMean(name, [...exact.keys()])}; see \`slablink ${command} --help\``,
  );
}

function usageOf(option: Option): string {
  const [name] = option.names;
  return `${name}${name.startsWith("--") ? "=" : " "}${option.value}`;
}

/**
 * One of a few words.
 * @throws UsageError that lists them.
 */
export function oneOf<const T extends string>(value: string, allowed: readonly T[], option: string): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw new UsageError(`${option}: '${value}' is none of ${allowed.join(", ")}`);
}

/**
 * A size in bytes: decimal or 0x…, with K, M or G for the powers of 1024.
 * @throws UsageError unless it is a positive number below 2^53.
 */
export function parseSize(text: string, option: string): number {
  const match = /^(0x[0-9a-f]+|[0-9]+)([kmg])?(?:i?b)?$/i.exec(text);
  const units = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
  const size = match === null ? 0 : Number(match[1]) * units[(match[2] ?? "").toLowerCase() as keyof typeof units];
  if (size > 0 && Number.isSafeInteger(size)) return size;
  throw new UsageError(
    `${option}: '${text}' is not a size; expected a positive number, with K, M or G behind it if need be`,
  );
}

/**
 * A whole number from 1 to 1024, decimal.
 * @throws UsageError for anything else.
 */
export function parseCount(text: string, option: string): number {
  const count = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= 1024) return count;
  throw new UsageError(`${option}: '${text}' is not a number from 1 to 1024`);
}

/**
 * `NAME=TEXT`, divided at the first `=`.
 * @throws UsageError if either side is empty.
 */
export function parsePair(text: string, option: string, form: string): [string, string] {
  const equals = text.indexOf("=");
  if (equals > 0 && equals + 1 < text.length) return [text.slice(0, equals), text.slice(equals + 1)];
  throw new UsageError(`${option}: '${text}' is not of the form ${form}`);
}

/**
 * A number that may be an address: decimal or 0x….
 * @throws UsageError unless it is below 2^53.
 */
export function parseAddress(text: string, option: string): number {
  const address = /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(address)) return address;
  throw new UsageError(`${option}: '${text}' is not an address; expected a decimal or 0x… number below 2^53`);
}
