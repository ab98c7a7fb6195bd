/**
 * A test program and what its head comment says about it. Directives are `// name: words`, one a line, anywhere before
 * the first line that is neither a comment nor empty (in other languages behind their own mark: `!`, `--`):
 *
 * * `compile: gcc -O{1,2} -fPIC`: a compiler and its flags. Braces multiply as in a shell; each result, and each such line,
 *   is a variant. For C++ the compiler's C++ driver is taken.
 * * `link: WORDS`: inputs and options for both linkers, after the objects; `-lm`, `-Llib`.
 * * `inputs: WORDS`: what to link in place of all objects, when archives are made of them. Multiplies like `compile`.
 * * `before: PROGRAM WORDS`: a tool to run in the directory of the objects before linking (ar); may be repeated.
 * * `reference: WORDS`, `slablink: WORDS`: options for only one of the linkers.
 * * `args:`, `stdin:`, `argv0:`, `env: NAME=VALUE`: what the program gets. `stdin` knows `\n`.
 * * `status: N`: exit status of the reference, 0 if absent; 128 + signal.
 * * `needs: TOOL`: besides the compiler.
 * * `warning: TEXT`: a warning of slablink's, the whole line behind \`slablink: warning: \`; none but these may come.
 * * `only: MODE…`: the modes it makes sense in, `because: REASON` beside it.
 *
 * `lib:NAME` in a word stands for the path of one of the toolchain's libraries.
 *
 * Lines `// file: NAME` begin a further source of the program, or another file that it reads when it runs; everything
 * before the first is the main source.
 */
export interface TestProgram {
  readonly name: string;
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly variants: readonly (readonly string[])[];
  readonly link: readonly string[];
  readonly inputs: readonly (readonly string[])[];
  readonly before: readonly (readonly string[])[];
  readonly reference: readonly string[];
  readonly slablink: readonly string[];
  readonly args: readonly string[];
  readonly argv0?: string;
  readonly stdin: string;
  readonly env: Readonly<Record<string, string>>;
  readonly status: number;
  readonly needs: readonly string[];
  readonly warnings: readonly string[];
  readonly only: readonly string[];
}

/** A line of the head comment: C's, Fortran's, Ada's and Modula-2's. */
const COMMENT = /^(?:\/\/|!|--|\(\*) ?(.*?)(?: \*\))?$/;

const known = [
  ...["compile", "link", "inputs", "before", "reference", "slablink", "args", "stdin", "argv0", "env", "status"],
  ...["warning", "needs", "only", "because"],
];

/**
 * Reads the directives.
 * @throws Error on one that is not known, a missing `compile` or an `only` without its reason.
 */
export function parseTestProgram(fileName: string, text: string): TestProgram {
  const files = splitFiles(fileName, text);
  const all = new Map<string, string[]>(known.map((name) => [name, []]));
  for (const line of files[0].text.split("\n")) {
    const comment = COMMENT.exec(line);
    if (comment === null) {
      if (line.trim() !== "") break;
      continue;
    }
    const match = /^([a-z0-9]+):(?: (.*))?$/.exec(comment[1]);
    if (match === null) continue;
    const values = all.get(match[1]);
    if (values === undefined) throw new Error(`${fileName}: unknown directive '${match[1]}'`);
    values.push(match[2] ?? "");
  }
  const get = (name: string) => all.get(name)!;
  const words = (name: string) => get(name).flatMap(splitWords);
  if (get("compile").length === 0) throw new Error(`${fileName}: no 'compile' directive`);
  if (get("only").length > 0 && get("because").length === 0) throw new Error(`${fileName}: 'only' without 'because'`);
  return {
    name: fileName,
    files,
    variants: get("compile").flatMap((line) => expandBraces(line).map(splitWords)),
    link: words("link"),
    inputs: get("inputs").flatMap((line) => expandBraces(line).map(splitWords)),
    before: get("before").map(splitWords),
    reference: words("reference"),
    slablink: words("slablink"),
    args: words("args"),
    argv0: get("argv0")[0],
    stdin: get("stdin").join("\n").replaceAll("\\n", "\n"),
    env: Object.fromEntries(
      get("env").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    ),
    status: Number(get("status")[0] ?? 0),
    needs: words("needs"),
    warnings: get("warning"),
    only: words("only"),
  };
}

function splitFiles(fileName: string, text: string): { name: string; text: string }[] {
  const parts = text.split(/^(?:\/\/|!|--) file: (\S+)\n/m);
  const files = [{ name: fileName, text: parts[0] }];
  for (let at = 1; at < parts.length; at += 2) files.push({ name: parts[at], text: parts[at + 1] });
  return files;
}

/** Words by white space; double quotes keep some together. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]);
}

/** `a{b,c}` is `ab` and `ac`; an empty alternative is allowed. */
export function expandBraces(text: string): string[] {
  const match = /\{([^{}]*)\}/.exec(text);
  if (match === null) return [text];
  const [whole, inner] = match;
  const before = text.slice(0, match.index);
  const after = text.slice(match.index + whole.length);
  return inner.split(",").flatMap((each) => expandBraces(before + each + after));
}
