// A second C library in a process: musl's libc.a, for one, beside the glibc that the process has. Two cannot both keep the state
// that a process has once: errno and the locale (which a thread finds in a block that its own C library made), the heap, open
// streams, exit handlers, signals. So of the other one only what keeps no state is linked, and of that what the process's own
// does not have (musl's mathematics, which glibc keeps in libm; strlcpy), and the functions on strings. Everything else that
// both have is the process's.

import type { Archive } from "../formats/archive.ts";
import type { ArchiveMember } from "../formats/archive-member.ts";
import { buildLinkGraph } from "../formats/elf/build-link-graph.ts";
import { STB_WEAK } from "../formats/elf/constants.ts";
import type { SharedLibrary } from "../formats/elf/shared-library.ts";
import { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { SectionKind } from "../graph/section-table.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";

/** Functions on memory and strings that depend on nothing but their arguments… */
const stringFunction = /^(mem|bcmp|bcopy|bzero|ffs|index|rindex|st[pr]|wcs|wmem)/;
/** …and not on the locale, which is the process's. */
const usesLocale = /coll|xfrm|case|_l$|time|mon$/;
/** What a member without state may call of the process's C library: both have it in the same form. */
const fromProcess = new Set(["__errno_location", "malloc", "calloc", "realloc", "free", "abort", "__stack_chk_fail"]);

/** Decides which members of another C library's archive may be part of a job. */
export class OtherCLibrary {
  readonly #archive: Archive;
  readonly #ofProcess: SharedLibrary;
  /** For a look at members that may not become part of the job. */
  readonly #tables = new GraphTables();
  readonly #entries = new Map<string, number>();
  /** Why a member cannot be linked, or "" when it can; a member that is being looked at counts as fit. */
  readonly #unfit = new Map<ArchiveMember, string>();

  /** `ofProcess`: the C library of the process. */
  constructor(archive: Archive, ofProcess: SharedLibrary) {
    this.#archive = archive;
    this.#ofProcess = ofProcess;
  }

  /**
   * Whether the definition of `name` in `member` is to be linked; else the process's is taken, if there is one. `inside`: only a
   * definition inside the job will do, since one of the archive's own members asks for it by a hidden reference.
   */
  accepts(name: string, member: ArchiveMember, inside: boolean): boolean {
    const shared = !inside && this.#ofProcess.lookup(name)?.isDefaultVersion === true;
    if (shared && (!stringFunction.test(name) || usesLocale.test(name))) return false;
    return this.#reason(member) === "";
  }

  /** Why the archive's definition of `name` was passed over, for an error; undefined if it has none. */
  objection(name: string): string | undefined {
    const member = this.#memberOf(name);
    const reason = member === undefined ? "" : this.#reason(member);
    if (member === undefined || reason === "") return undefined;
    return `${this.#archive.file}(${member.name}) has it, but ${reason}: two C libraries cannot be in one process`;
  }

  #memberOf(name: string): ArchiveMember | undefined {
    const { index } = this.#archive;
    if (index === undefined) return undefined;
    if (this.#entries.size === 0) {
      for (let i = index.count - 1; i >= 0; i--) this.#entries.set(index.nameAt(i), i);
    }
    const entry = this.#entries.get(name);
    return entry === undefined ? undefined : this.#archive.memberAt(index.memberOffset[entry]!);
  }

  #reason(member: ArchiveMember): string {
    const known = this.#unfit.get(member);
    if (known !== undefined) return known;
    this.#unfit.set(member, "");
    const graph = buildLinkGraph(this.#tables, member.window());
    const reason = this.#ownState(graph) || this.#neededState(graph);
    this.#unfit.set(member, reason);
    return reason;
  }

  #ownState(graph: LinkGraph): string {
    const { sections, symbols } = this.#tables;
    for (let row = graph.firstSection; row < graph.firstSection + graph.sectionCount; row++) {
      if (sections.size[row] === 0) continue;
      switch (sections.kind[row]) {
        case SectionKind.code:
          if (readsThreadPointer(graph, row)) return "reads its own C library's thread block";
          break;
        case SectionKind.none:
        case SectionKind.readOnly:
        case SectionKind.ehFrame:
          break;
        default:
          if (!graph.sectionName(row).startsWith(".data.rel.ro")) return "keeps state of its own C library";
      }
    }
    for (let row = graph.firstSymbol; row < graph.firstSymbol + graph.symbolCount; row++) {
      if (symbols.section[row] === SymbolPlace.common) return "keeps state of its own C library";
    }
    return "";
  }

  #neededState(graph: LinkGraph): string {
    const { symbols, pool } = this.#tables;
    for (let row = graph.firstSymbol + graph.localCount; row < graph.firstSymbol + graph.symbolCount; row++) {
      if (symbols.section[row] !== SymbolPlace.undefined || ((symbols.info[row]! >> 4) & 0xf) === STB_WEAK) continue;
      const name = pool.name(symbols.id[row]!);
      const member = fromProcess.has(name) ? undefined : this.#memberOf(name);
      if (member !== undefined && this.#reason(member) !== "") return `needs ${name} of its own C library`;
    }
    return "";
  }
}

/** Looks for `mov %fs:0, %reg`: 64, 48 or 4c, 8b, ModRM …100, SIB 25, a displacement of zero (psABI 3.4.2, thread control block). */
function readsThreadPointer(graph: LinkGraph, section: number): boolean {
  const { sections } = graph.tables;
  const { view } = graph.reader;
  const start = sections.content[section]!;
  const end = start + sections.size[section]! - 8;
  for (let at = start; at < end; at++) {
    if (view.getUint8(at) !== 0x64 || (view.getUint8(at + 1) & 0xfb) !== 0x48 || view.getUint8(at + 2) !== 0x8b)
      continue;
    const form = view.getUint8(at + 3);
    if ((form & 0xc7) === 0x04 && view.getUint8(at + 4) === 0x25 && view.getUint32(at + 5, true) === 0) return true;
  }
  return false;
}
