import { UsageError } from "../errors.ts";

/**
 * Splits `CC`, `CFLAGS` and their like into words as a POSIX shell would, without expanding anything: white space
 * separates; '…' is literal; in "…" a backslash escapes `"`, `\`, `$` and a back quote; elsewhere it escapes any
 * character. Throws a UsageError that names `variable` when a quotation does not end.
 */
export function splitShellWords(text: string, variable: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quote === "") {
      if (/\s/.test(c)) {
        if (word !== undefined) words.push(word);
        word = undefined;
      } else if (c === "'" || c === '"') {
        quote = c;
        word ??= "";
      } else if (c === "\\" && i + 1 < text.length) word = (word ?? "") + text[++i];
      else word = (word ?? "") + c;
    } else if (c === quote) quote = "";
    else if (c === "\\" && quote === '"' && '"\\$`'.includes(text[i + 1] ?? " ")) word += text[++i];
    else word += c;
  }
  if (quote !== "") throw new UsageError(`${variable}: a quotation opened by ${quote} does not end: ${text}`);
  if (word !== undefined) words.push(word);
  return words;
}
