import { ObjectFormatError } from "../errors.ts";

/** One thing that a linker script asks for, in its order. */
export interface ScriptEntry {
  /** A file by path, a library as in `-lNAME`, or a directory to search for libraries. */
  readonly kind: "path" | "library" | "search-dir";
  /** The path (with `=` or `$SYSROOT` removed), what stands after `-l`, or the directory. */
  readonly name: string;
  /** Inside AS_NEEDED: a shared library counts only if something is resolved from it. */
  readonly asNeeded: boolean;
  /** Numbers the GROUPs from 1, whose archives refer to each other in circles; 0 outside of any. */
  readonly group: number;
}

/**
 * Parses a linker script that stands in a library's place, such as glibc's `libc.so` and `libm.a` or ncurses'
 * `INPUT(libncurses.so.6 -ltinfo)`: comments, OUTPUT_FORMAT and OUTPUT_ARCH (skipped), GROUP, INPUT, AS_NEEDED,
 * SEARCH_DIR. Any other command throws an ObjectFormatError that names it and its line. Reference: GNU ld's manual,
 * "Commands Dealing with Files".
 */
export function parseLinkerScript(text: string, file: string): ScriptEntry[] {
  return new Parser(text, file).parse();
}

interface Token {
  readonly text: string;
  readonly quoted: boolean;
  readonly line: number;
}

class Parser {
  readonly #file: string;
  readonly #tokens: Token[];
  readonly #entries: ScriptEntry[] = [];
  #next = 0;
  #groups = 0;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#tokens = tokenize(text, file);
  }

  parse(): ScriptEntry[] {
    while (this.#next < this.#tokens.length) {
      const command = this.#take("a command");
      if (!command.quoted && command.text === ";") continue;
      this.#command(command);
    }
    return this.#entries;
  }

  #command(command: Token): void {
    switch (command.quoted ? "" : command.text) {
      case "OUTPUT_FORMAT":
      case "OUTPUT_ARCH":
        this.#expect("(", command);
        while (!this.#accept(")")) this.#take(`")" after ${command.text}`);
        break;
      case "INPUT":
        this.#files(command, 0);
        break;
      case "GROUP":
        this.#files(command, ++this.#groups);
        break;
      case "SEARCH_DIR": {
        this.#expect("(", command);
        const name = withoutSysroot(this.#take("a directory").text);
        this.#entries.push({ kind: "search-dir", name, asNeeded: false, group: 0 });
        this.#expect(")", command);
        break;
      }
      default:
        this.#fail(
          command,
          `linker script command ${JSON.stringify(command.text.slice(0, 40))} is not supported; expected GROUP, INPUT, OUTPUT_FORMAT, OUTPUT_ARCH or SEARCH_DIR`,
        );
    }
  }

  /** `( file, file … AS_NEEDED ( … ) … )`; AS_NEEDED may be nested. */
  #files(command: Token, group: number): void {
    this.#expect("(", command);
    let depth = 0; // of AS_NEEDED
    for (;;) {
      const token = this.#take(`")" after ${command.text}`);
      const word = token.quoted ? undefined : token.text;
      if (word === ",") continue;
      if (word === ")") {
        if (depth-- === 0) return;
      } else if (word === "AS_NEEDED") {
        this.#expect("(", token);
        depth++;
      } else if (word === "(" || word === ";" || word === "{" || word === "}" || token.text === "") {
        this.#fail(token, `${JSON.stringify(token.text)} inside ${command.text}, expected a file name`);
      } else {
        const library = word?.startsWith("-l") === true && word.length > 2;
        const name = library ? token.text.slice(2) : withoutSysroot(token.text);
        this.#entries.push({ kind: library ? "library" : "path", name, asNeeded: depth > 0, group });
      }
    }
  }

  #take(expected: string): Token {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw new ObjectFormatError(this.#file, `the linker script ends, expected ${expected}`);
    return token;
  }

  #accept(text: string): boolean {
    const token = this.#tokens[this.#next];
    if (token === undefined || token.quoted || token.text !== text) return false;
    this.#next++;
    return true;
  }

  #expect(text: string, command: Token): void {
    const token = this.#take(`"${text}" in ${command.text}`);
    if (token.quoted || token.text !== text) {
      this.#fail(token, `${JSON.stringify(token.text)} in ${command.text}, expected "${text}"`);
    }
  }

  #fail(token: Token, detail: string): never {
    throw new ObjectFormatError(this.#file, `line ${token.line}: ${detail}`);
  }
}

/** Splits into names, quoted names and the characters `( ) , ; { }`; comments are C's. */
function tokenize(text: string, file: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s+|\/\*.*?\*\/|"([^"\n]*)"|[(),;{}]|(?:(?!\/\*)[^\s(),;{}"])+|./sy;
  let line = 1;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [part, quoted] = match;
    if (quoted !== undefined) tokens.push({ text: quoted, quoted: true, line });
    else if (part === '"') throw new ObjectFormatError(file, `line ${line}: a quoted name does not end on its line`);
    else if (part === "/" && text.startsWith("/*", match.index)) {
      throw new ObjectFormatError(file, `line ${line}: the comment does not end`);
    } else if (!/^\s|^\/\*/.test(part)) tokens.push({ text: part, quoted: false, line });
    for (const c of part) if (c === "\n") line++;
  }
  return tokens;
}

/** Paths are looked for on this system: there is no sysroot to put in front. */
function withoutSysroot(name: string): string {
  if (name.startsWith("=")) return name.slice(1);
  return name.startsWith("$SYSROOT") ? name.slice("$SYSROOT".length) : name;
}
