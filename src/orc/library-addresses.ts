import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { STT_OBJECT } from "../formats/elf/constants.ts";
import type { LibrarySymbol } from "./external-names.ts";

/**
 * Addresses of what shared libraries define, in the order of `symbols`; 0 where a library that was opened does not have the
 * name after all. In an executor the libraries are in the scope of the job's image, behind the job itself and in their order: one
 * request. In this process each library is opened apart and asked by its handle.
 */
export async function libraryAddresses(
  epc: ExecutorProcessControl,
  symbols: readonly LibrarySymbol[],
  opened: Map<string, number>,
  image: number,
): Promise<Float64Array> {
  const names = symbols.map(({ symbol }) => symbol.name);
  if (epc.kind === "remote") return epc.resolve(image, names);
  const addresses = new Float64Array(symbols.length);
  const groups = new Map<number, number[]>();
  for (let i = 0; i < symbols.length; i++) {
    const { loadName } = symbols[i]!.library;
    const handle = opened.get(loadName) ?? (await epc.openLibrary(loadName));
    opened.set(loadName, handle);
    const group = groups.get(handle);
    if (group === undefined) groups.set(handle, [i]);
    else group.push(i);
  }
  for (const [handle, indices] of groups) {
    const found = await epc.resolve(
      handle,
      indices.map((i) => names[i]!),
    );
    indices.forEach((i, at) => {
      addresses[i] = found[at]!;
    });
  }
  await preferCopiesOfNode(epc, symbols, addresses);
  return addresses;
}

/** As `libraryAddresses` in this process, but with 0 for what libraries define that are not loaded yet. */
export async function addressesOfLoaded(
  epc: ExecutorProcessControl,
  symbols: readonly LibrarySymbol[],
  opened: Map<string, number>,
): Promise<Float64Array> {
  const loaded = symbols.filter(({ library }) => epc.isLibraryLoaded?.(library.loadName));
  const found = await libraryAddresses(epc, loaded, opened, 0);
  const addresses = new Float64Array(symbols.length);
  let next = 0;
  symbols.forEach((symbol, i) => {
    if (symbol === loaded[next]) addresses[i] = found[next++]!;
  });
  return addresses;
}

/**
 * Node's executable holds copies of some variables of the C++ library, and the library itself uses those; its own handle
 * still answers with the unused originals. What lies in the executable, far below the libraries, is the copy.
 */
async function preferCopiesOfNode(
  epc: ExecutorProcessControl,
  symbols: readonly LibrarySymbol[],
  addresses: Float64Array,
): Promise<void> {
  const data: number[] = [];
  symbols.forEach(({ symbol }, i) => {
    if (symbol.type === STT_OBJECT) data.push(i);
  });
  const global = await epc.resolve(
    0,
    data.map((i) => symbols[i]!.symbol.name),
  );
  data.forEach((i, at) => {
    if (global[at]! !== 0 && epc.isInMainProgram?.(global[at]!)) addresses[i] = global[at]!;
  });
}
