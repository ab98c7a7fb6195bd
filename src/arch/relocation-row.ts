/**
 * Letters of the psABI's relocation expressions (x86-64 psABI 4.4.1): S symbol, A addend, P place, L the symbol's PLT entry,
 * G offset of its GOT entry, GOT address of the global offset table, Z size of the symbol, and for thread-local storage
 * TPOFF (the symbol from the thread pointer) and DTPOFF (the symbol in its module's block).
 */
export type Term =
  | "S"
  | "A"
  | "P"
  | "L"
  | "G"
  | "GOT"
  | "Z"
  | "TPOFF"
  | "DTPOFF"
  | "DTPMOD"
  | "GOTTPOFF"
  | "GOTDTP"
  | "GOTLD";

/** What the linker does for one relocation type, as data: builder, interpreter, dump and error texts all read it. */
export interface RelocationRow {
  readonly type: number;
  readonly name: string;
  /** Sum of terms, as the specification writes it. */
  readonly expression: string;
  /** Bytes written. */
  readonly size: 0 | 1 | 2 | 4 | 8;
  /** Which values fit: two's complement, unsigned, either reading, or any. */
  readonly range: "signed" | "unsigned" | "either" | "any";
  readonly terms: readonly { readonly sign: 1 | -1; readonly term: Term }[];
}

/** Builds a row; the terms are read out of `expression`, whose letters are those of the psABI. */
export function row(
  type: number,
  name: string,
  expression: string,
  size: RelocationRow["size"],
  range: RelocationRow["range"],
): RelocationRow {
  return new Row(type, name, expression, size, range);
}

class Row implements RelocationRow {
  readonly type: number;
  readonly name: string;
  readonly expression: string;
  readonly size: RelocationRow["size"];
  readonly range: RelocationRow["range"];
  #terms: RelocationRow["terms"] | undefined;

  constructor(
    type: number,
    name: string,
    expression: string,
    size: RelocationRow["size"],
    range: RelocationRow["range"],
  ) {
    this.type = type;
    this.name = name;
    this.expression = expression;
    this.size = size;
    this.range = range;
  }

  /** Read when it is first asked for: a link has few of a table's types. */
  get terms(): RelocationRow["terms"] {
    this.#terms ??= readTerms(this.expression);
    return this.#terms;
  }
}

function readTerms(expression: string): RelocationRow["terms"] {
  const terms: { sign: 1 | -1; term: Term }[] = [];
  for (const [, sign, term] of expression.matchAll(/([+-]?) ?([A-Z]+)/g)) {
    terms.push({ sign: sign === "-" ? -1 : 1, term: term as Term });
  }
  return terms;
}

/** Smallest and largest value of a row's field. */
export function limitsOf(row: RelocationRow): { minimum: number; maximum: number } {
  const bits = 8 * row.size;
  const signed = { minimum: -(2 ** (bits - 1)), maximum: 2 ** (bits - 1) - 1 };
  if (row.range === "signed") return signed;
  if (row.range === "unsigned") return { minimum: 0, maximum: 2 ** bits - 1 };
  if (row.range === "either") return { minimum: signed.minimum, maximum: 2 ** bits - 1 };
  return { minimum: Number.NEGATIVE_INFINITY, maximum: Number.POSITIVE_INFINITY };
}
