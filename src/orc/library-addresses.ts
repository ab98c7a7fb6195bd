import { LOW_END } from "../bytes/address.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { STT_FUNC, STT_GNU_IFUNC, STT_OBJECT } from "../formats/elf/constants.ts";
import { isOfEveryProcess } from "../inputs/runtime-libraries.ts";
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
  const names = symbols.map(({ symbol, version }) =>
    version === undefined ? symbol.name : `${symbol.name}@${version}`,
  );
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
  await preferCopies(epc, symbols, addresses);
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
 * In an executor of somebody else's: addresses of what the libraries that it has loaded define, 0 for others. Copies that it was
 * started with come before the originals in the process's scope.
 */
export async function addressesInForeign(
  epc: ExecutorProcessControl,
  symbols: readonly LibrarySymbol[],
  loaded: ReadonlySet<string>,
): Promise<Float64Array> {
  const addresses = new Float64Array(symbols.length);
  const indices = [...symbols.keys()].filter((i) => {
    const { loadName } = symbols[i]!.library;
    return symbols[i]!.version === undefined && loaded.has(loadName.slice(loadName.lastIndexOf("/") + 1));
  });
  const found = await epc.resolve(
    0,
    indices.map((i) => symbols[i]!.symbol.name),
  );
  indices.forEach((i, at) => {
    addresses[i] = found[at]!;
  });
  return addresses;
}

/**
 * Node's executable holds copies of some variables of the C++ library, and the library itself uses those; its own handle
 * still answers with the unused originals. The copies that a second start made and the addresses that it gave to functions
 * count as well: they lie within the reach of 32 bits, and libraries above. Functions that Node defines itself do not: they are others of the same name.
 */
async function preferCopies(
  epc: ExecutorProcessControl,
  symbols: readonly LibrarySymbol[],
  addresses: Float64Array,
): Promise<void> {
  const wanted: number[] = [];
  symbols.forEach(({ symbol: { type }, version }, i) => {
    if (version !== undefined) return;
    if (type === STT_OBJECT || type === STT_FUNC || type === STT_GNU_IFUNC) wanted.push(i);
  });
  const global = await epc.resolve(
    0,
    wanted.map((i) => symbols[i]!.symbol.name),
  );
  wanted.forEach((i, at) => {
    const address = global[at]!;
    if (address === 0) return;
    const isNode = epc.isInMainProgram?.(address) === true;
    const { library, symbol } = symbols[i]!;
    // Another library's variable of the same name (libc++abi has the vtables of libstdc++) is not what Node has copied.
    const isCopy = isNode ? symbol.type === STT_OBJECT && isOfEveryProcess(library.library.soname) : address <= LOW_END;
    if (isCopy) addresses[i] = address;
  });
}
