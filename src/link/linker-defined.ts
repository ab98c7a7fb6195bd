import type { GraphTables } from "../graph/graph-tables.ts";
import type { Layout } from "./layout.ts";

/**
 * Names that a linker defines itself when something refers to them and nothing defines them (gABI and the traditional Unix
 * names; crtbegin.o's `__dso_handle` and `__TMC_END__`, which an ordinary link takes from there).
 */
const definitions: Record<string, (layout: Layout) => number> = {
  __dso_handle: (layout) => layout.dsoHandle,
  __TMC_END__: (layout) => layout.data.address,
  _GLOBAL_OFFSET_TABLE_: (layout) => layout.globalOffsetTable,
  _DYNAMIC: (layout) => layout.headerData.address,
  __GNU_EH_FRAME_HDR: (layout) => layout.ehFrameTable.address,
  __ehdr_start: (layout) => layout.header.address,
  __executable_start: (layout) => layout.header.address,
  __preinit_array_start: (layout) => layout.arrays.preinit.start,
  __preinit_array_end: (layout) => layout.arrays.preinit.end,
  __init_array_start: (layout) => layout.arrays.init.start,
  __init_array_end: (layout) => layout.arrays.init.end,
  __fini_array_start: (layout) => layout.arrays.fini.start,
  __fini_array_end: (layout) => layout.arrays.fini.end,
  __rela_iplt_start: (layout) => layout.header.address,
  __rela_iplt_end: (layout) => layout.header.address,
  __data_start: (layout) => layout.data.address,
  data_start: (layout) => layout.data.address,
  etext: (layout) => layout.code.address + layout.code.size,
  _etext: (layout) => layout.code.address + layout.code.size,
  __etext: (layout) => layout.code.address + layout.code.size,
  edata: (layout) => layout.data.address + layout.data.size,
  _edata: (layout) => layout.data.address + layout.data.size,
  __bss_start: (layout) => layout.zeroFill.address,
  end: (layout) => layout.largeZeroFill.address + layout.largeZeroFill.size,
  _end: (layout) => layout.largeZeroFill.address + layout.largeZeroFill.size,
};

/** The symbol whose thread-local offset is that of the module's block (TLSDESC's local-dynamic form). */
export const TLS_MODULE_BASE = "_TLS_MODULE_BASE_";

/** True when the linker itself will define the name. */
export function isLinkerDefined(name: string): boolean {
  return Object.hasOwn(definitions, name) || name === TLS_MODULE_BASE;
}

/** Address of a name that the linker defines, once the layout has addresses. */
export function linkerDefined(name: string, layout: Layout): number {
  return name === TLS_MODULE_BASE ? 0 : definitions[name]!(layout);
}

/** `__start_NAME` and `__stop_NAME` of sections with C-identifier names (GNU ld, "Orphan Sections"). */
export interface SetBound {
  /** Identifier of the section's name. */
  readonly section: number;
  readonly end: boolean;
}

/** The set bound that a name stands for, if any input has a section of that name. */
export function setBound(tables: GraphTables, name: string): SetBound | undefined {
  const start = name.startsWith("__start_");
  if (!start && !name.startsWith("__stop_")) return undefined;
  const section = name.slice(start ? 8 : 7);
  return /^[A-Za-z_]\w*$/.test(section) ? { section: tables.pool.internString(section), end: !start } : undefined;
}
