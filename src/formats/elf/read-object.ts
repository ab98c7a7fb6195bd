import type { ByteReader } from "../../bytes/byte-reader.ts";
import type { GraphTables } from "../../graph/graph-tables.ts";
import { LinkGraph } from "../../graph/link-graph.ts";
import { kernel } from "../../kernel/kernel.ts";
import {
  OBJECT_GROUPS,
  OBJECT_LOCALS,
  OBJECT_NAMES,
  OBJECT_NAMES_SIZE,
  OBJECT_RECORD,
  OBJECT_SYMBOL_TABLE,
  OBJECT_SYMBOLS,
} from "../../kernel/record.ts";
import { nameDefaultVersions, readSectionsAgain } from "./build-link-graph.ts";

/** Lets the kernel read a relocatable file; undefined, with nothing changed, for one that `buildLinkGraph` has to read. */
export function readObject(tables: GraphTables, reader: ByteReader): LinkGraph | undefined {
  const { columns, sections, symbols, graphs, groups, pool } = tables;
  const { record } = columns;
  const { view, start, length } = reader;
  if (record === undefined || pool.columns.record === undefined || view.buffer !== columns.buffer) return undefined;
  const fast = kernel();
  if (fast === undefined) return undefined;
  const out = record + OBJECT_RECORD;
  const sectionCount = fast.scanObject(start, length, out);
  if (sectionCount < 0) return undefined;
  const symbolCount = view.getUint32(out + OBJECT_SYMBOLS, true);
  const localCount = view.getUint32(out + OBJECT_LOCALS, true);
  const groupCount = view.getUint32(out + OBJECT_GROUPS, true);
  const namesSize = view.getUint32(out + OBJECT_NAMES_SIZE, true);
  // Signatures may be names of sections, for which a page will do; the kernel says so if not.
  pool.reserve(symbolCount - localCount + groupCount, namesSize + 4096);
  if (groupCount > 0) groups.reserve(pool.size + groupCount);
  const graph = new LinkGraph(tables, reader, sections.add(sectionCount), sectionCount);
  graph.firstSymbol = symbols.add(symbolCount);
  graph.symbolCount = symbolCount;
  graph.localCount = localCount;
  graph.symbolEntries = view.getUint32(out + OBJECT_SYMBOL_TABLE, true);
  graph.symbolNames = view.getUint32(out + OBJECT_NAMES, true);
  graph.symbolNamesEnd = graph.symbolNames + namesSize;
  const { index, firstSection, firstSymbol } = graph;
  // Tables that have just outgrown the linear memory are out of reach.
  const { record: still } = columns;
  const poolRecord = pool.columns.record;
  if (
    still === undefined ||
    poolRecord === undefined ||
    !fast.readSymbols(still, poolRecord, start, index, firstSection, firstSymbol, out)
  ) {
    graphs.pop();
    sections.truncate(firstSection);
    symbols.truncate(firstSymbol);
    return undefined;
  }
  if (tables.queue?.add(graph) !== true && !fast.readSections(still, start, length, index, firstSection)) {
    readSectionsAgain(graph);
  }
  if (pool.hasVersions) nameDefaultVersions(graph);
  tables.pack(graph);
  return graph;
}
