import type { GraphTables } from "../graph/graph-tables.ts";
import type { WorkingMemory } from "../memory/memory-mapper.ts";
import type { FunctionArrays } from "./function-arrays.ts";

/** Turns the entries of .ctors and .dtors around, since they are laid out among the arrays that run forwards. */
export function reverseFunctionArrays(tables: GraphTables, arrays: FunctionArrays, memory: WorkingMemory): void {
  const { sections } = tables;
  for (const row of arrays.reversed) {
    const first = sections.address[row]! - memory.base;
    const count = Math.floor(sections.size[row]! / 8);
    for (let i = 0, j = count - 1; i < j; i++, j--) {
      for (let word = 0; word < 8; word += 4) {
        const a = first + 8 * i + word;
        const b = first + 8 * j + word;
        const value = memory.view.getUint32(a, true);
        memory.view.setUint32(a, memory.view.getUint32(b, true), true);
        memory.view.setUint32(b, value, true);
      }
    }
  }
}
