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
  OBJECT_SECTIONS,
  OBJECT_SYMBOL_TABLE,
  OBJECT_SYMBOLS,
} from "../../kernel/record.ts";
import { nameDefaultVersions, readSectionsAgain } from "./build-link-graph.ts";

/** Makes room in the tables for the object that `scanObject` has looked at; gives the number of names that it may add. */
export function makeRoomForObject(tables: GraphTables): number {
  const { columns, sections, symbols, packedGraphs, graphs, groups, pool } = tables;
  const object = (field: number): number => columns.words[(OBJECT_RECORD + field) / 4]!;
  const names = object(OBJECT_SYMBOLS) - object(OBJECT_LOCALS) + object(OBJECT_GROUPS);
  sections.makeRoom(object(OBJECT_SECTIONS));
  symbols.makeRoom(object(OBJECT_SYMBOLS));
  packedGraphs.reserve(graphs.length + 1);
  // Signatures may be names of sections, for which a page will do; the kernel says so if not.
  pool.reserve(names, object(OBJECT_NAMES_SIZE) + 4096);
  groups.reserve(pool.size + names);
  return names;
}

/** Lets the kernel read a relocatable file; undefined, with nothing changed, for one that `buildLinkGraph` has to read. */
export function readObject(tables: GraphTables, reader: ByteReader): LinkGraph | undefined {
  const { columns, sections, symbols, graphs, pool } = tables;
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
  const namesSize = view.getUint32(out + OBJECT_NAMES_SIZE, true);
  makeRoomForObject(tables);
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
