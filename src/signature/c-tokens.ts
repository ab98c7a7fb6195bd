/** A word, number or punctuation mark of C text and where it stands, from column 1 on; `text` is empty at the end. */
export interface Token {
  readonly text: string;
  readonly column: number;
}

const TOKEN = /\s+|\/\*[\s\S]*?\*\/|\/\/[^\n]*|([A-Za-z_]\w*|\d\w*|\.\.\.|[()[\]{},;*:=&<>+-])/y;

/** A TypeError about C text: the text, the column, and what is wrong there. */
export function textError(text: string, column: number, detail: string): TypeError {
  return new TypeError(`C text "${text}", column ${column}: ${detail}`);
}

/** The tokens of C text, without white space and comments; the last one is empty. Errors: TypeError for a character that C declarations have not. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  let at = 0;
  while (at < text.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) throw textError(text, at + 1, `unexpected character ${JSON.stringify(text[at])}`);
    if (match[1] !== undefined) tokens.push({ text: match[1], column: at + 1 });
    at = pattern.lastIndex;
  }
  tokens.push({ text: "", column: text.length + 1 });
  return tokens;
}
