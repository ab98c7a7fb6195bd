import { alignUp } from "../bytes/address.ts";
import {
  type AnchorPlan,
  type CanonicalFunction,
  type DataCopy,
  measureAnchor,
  noExports,
  writeAnchor,
} from "./anchor.ts";
import { type Layout, PAGE } from "./layout.ts";

/** Above any slab that is placed low, and still within the reach of 32-bit addresses. */
const TOP = 0x7ffe_0000;
const STEP = 0x100_0000;

/**
 * A shared object that holds nothing but copies of libraries' variables and stubs of functions, at addresses below 2 GiB, and a
 * thread-local byte whose alignment becomes that of all static thread-local storage (the loader grants later objects none beyond). Loaded before those libraries
 * (LD_PRELOAD), it is what they bind to; `needed` are those libraries, by soname or path. Gives the file's bytes.
 */
export function writePreload(
  copies: readonly DataCopy[],
  functions: readonly CanonicalFunction[],
  needed: readonly string[],
  tlsAlignment: number,
  attempt = 1,
): Uint8Array {
  const tls = { imageSize: 0, size: tlsAlignment > 1 ? 1 : 0, alignment: tlsAlignment };
  const plan: AnchorPlan = {
    name: "slablink-data",
    exports: noExports,
    foreignTls: [],
    copies,
    functions,
    names: [],
    needed,
    initializer: 0,
    tls,
    staticTls: false,
    executableStack: false,
  };
  const sizes = measureAnchor(plan);
  const headerSize = alignUp(sizes.header, PAGE);
  // Another place each time: what was in the way of one may not be in the way of the next.
  const start = TOP - (attempt - 1) * STEP - headerSize - alignUp(sizes.headerData, PAGE) - 2 * PAGE;
  const data = start + headerSize;
  const end = alignUp(data + sizes.headerData, PAGE);
  const empty = { address: end, size: 0 };
  const layout: Layout = {
    size: end + 2 * PAGE - start,
    contentSize: end + 2 * PAGE - start,
    nearSize: end + 2 * PAGE - start,
    alignment: PAGE,
    header: { address: start, size: sizes.header },
    headerData: { address: data, size: sizes.headerData },
    code: { ...empty },
    readOnly: { address: end, size: PAGE },
    writableCode: { address: end + PAGE, size: 0 },
    data: { address: end + PAGE, size: PAGE },
    zeroFill: { ...empty },
    largeZeroFill: { ...empty },
    dsoHandle: data + sizes.dsoHandle,
    stubs: end,
    ehFrame: { ...empty },
    ehFrameTable: { ...empty },
    globalOffsetTable: end,
    resolvedSlots: end,
    tls,
    arrays: undefined as never,
    startCode: [],
    sets: undefined as never,
    objectBlocks: [],
  };
  const bytes = new Uint8Array(data - start + sizes.headerData);
  writeAnchor(new DataView(bytes.buffer), 0, plan, sizes, layout);
  return bytes;
}
