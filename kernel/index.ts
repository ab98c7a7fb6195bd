// The kernel: the loops over every section, symbol, relocation and byte of a link, compiled ahead to WebAssembly by AssemblyScript,
// because a link is over before an engine would have warmed up on their JavaScript. It works on the linear memory
// (src/host/linear-memory.ts), finds the tables by their records (src/kernel/record.ts), and does the usual only: what is rare, or wrong, it leaves
// to the JavaScript that does everything (src/kernel/kernel.ts says how each function is used).

export { applyChunks, applyRelocations } from "./apply-relocations";
export { bindDefinitions, bindReferences } from "./bind-symbols";
export { copyChunks, copySections } from "./copy-sections";
export { directReferences } from "./direct-references";
export { writeEhFrameTable } from "./eh-frame-table";
export { filterByGnuHash, hashNames, listExports, writeExports } from "./exports";
export { intern } from "./intern";
export { countIndirectFunctions, moveSections, placeSections, sectionsOfKinds } from "./lay-out";
export { linkFar } from "./link-far";
export { moveBytes } from "./move-bytes";
export { offerIndex } from "./offer-index";
export { readSections, readSymbols, scanObject } from "./read-object";
export { resolve } from "./resolve";
export { readQueued } from "./section-queue";
export { takeMembers } from "./take-members";
