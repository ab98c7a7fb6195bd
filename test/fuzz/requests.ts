import { B, D, M, OURS, S } from "../executor/protocol.ts";
import type { Random } from "../support/mutate.ts";
import { FieldWriter } from "./field-writer.ts";
import { pick } from "./mutate-payload.ts";
import {
  CALL_OUT,
  EMPTY_RESULT,
  FRAMES,
  frameSection,
  IFUNCS,
  INITIALIZERS,
  type Range,
  SUCCESS,
  type World,
} from "./world.ts";

/** A well-formed request, and what its answer teaches. */
export interface Request {
  /** Of the wrapper; linked code is called by `tag` and has none. */
  name: string;
  tag?: bigint;
  writer: FieldWriter;
  learn?(result: Uint8Array, sent: Uint8Array): void;
}

const PAGE = 0x1000n;
const READ = 1;
const RW = 3;
const RX = 5;
const FROM_TEMPLATE = 64;

type Builder = (world: World, random: Random) => Request;

const args = (): FieldWriter => new FieldWriter();

/** Expected<Addr>, or undefined. */
function address(result: Uint8Array): bigint | undefined {
  if (result.length < 9 || result[0] !== 1) return undefined;
  return new DataView(result.buffer, result.byteOffset).getBigUint64(1, true);
}

/** The size that was asked for, in whole pages: it is the second word of every reservation. */
function sizeSent(sent: Uint8Array): bigint {
  const size = new DataView(sent.buffer, sent.byteOffset).getBigUint64(8, true);
  return size === 0n ? PAGE : ((size + PAGE - 1n) / PAGE) * PAGE;
}

function pageIn(range: Range, random: Random): bigint {
  return range.start + PAGE * BigInt(random.below(Number(range.size / PAGE > 16n ? 16n : range.size / PAGE) || 1));
}

/** The actions that executors have themselves, linked code, and none. */
function writeActions(out: FieldWriter, world: World, random: Random, section: Range | undefined): FieldWriter {
  const kind = random.below(6);
  const end = section === undefined ? 0n : section.start + section.size;
  const range = args()
    .u64(section?.start ?? 0n)
    .u64(end)
    .bytes.slice();
  const none = (): FieldWriter => out.u64(0).sequence("");
  if (kind === 0 && section !== undefined) {
    out.u64(1).u64(world.addressOf("llvm_orc_registerEHFrameAllocAction")).sequence(range);
    return out.u64(world.addressOf("llvm_orc_deregisterEHFrameAllocAction")).sequence(range);
  }
  if (kind === 1 && section !== undefined) {
    const register = args().u64(section.start).u64(end).u8(random.below(2)).bytes;
    out.u64(1).u64(world.addressOf("llvm_orc_registerJITLoaderGDBAllocAction")).sequence(register);
    return none();
  }
  if (kind === 2) {
    out.u64(2).u64(SUCCESS).sequence("first").u64(SUCCESS).sequence("last");
    const ifuncs = args().u64(IFUNCS.start).u64(IFUNCS.end).bytes;
    out.u64(world.addressOf(`${OURS}resolve_ifuncs`)).sequence(ifuncs);
    return none();
  }
  // An action that fails: everything is put back.
  if (kind === 3) return out.u64(1).u64(EMPTY_RESULT).sequence("").u64(SUCCESS).sequence("never");
  return out.u64(0);
}

function segments(out: FieldWriter, world: World, range: Range, random: Random, contents: boolean): FieldWriter {
  const count = random.below(4);
  const first = pageIn(range, random);
  out.u64(count);
  let section: Range | undefined;
  for (let i = 0; i < count; i++) {
    const start = first + PAGE * BigInt(i);
    const bytes = i === 0 && random.below(2) === 0 ? frameSection() : new Uint8Array(random.below(200)).fill(0xc3);
    const common = contents ? [] : [READ | FROM_TEMPLATE, RX | FROM_TEMPLATE];
    const group = pick([READ, RW, RX, READ, ...common], random);
    const size = bytes.length + random.below(5000);
    out.u8(group).u64(start).u64(size);
    if (contents) out.sequence(bytes);
    if (i === 0) section = { start, size: BigInt(bytes.length) };
  }
  return writeActions(out, world, random, section);
}

function initialize(world: World, random: Random, shared: boolean): Request {
  const range = world.somewhere(random, ({ kind, backed }) =>
    shared ? kind === "shared" || backed : kind !== "shared",
  );
  const out = args().u64(0);
  if (shared) out.u64(range.start);
  segments(out, world, range, random, !shared);
  const learn = (result: Uint8Array): void => {
    const key = address(result);
    if (key !== undefined) world.finalized(key);
  };
  return { name: shared ? `${S}Initialize` : `${M}initialize_wrapper`, writer: out, learn };
}

const some = <T>(items: readonly T[], random: Random): T[] =>
  Array.from({ length: items.length === 0 ? 0 : random.below(4) }, () => pick(items, random));

const addresses = (list: readonly bigint[]): FieldWriter =>
  args()
    .u64(0)
    .each(list, (out, item) => void out.u64(item));

const reserveMemory: Builder = (world, random) => {
  const size = PAGE * BigInt(1 + random.below(32));
  const learn = (result: Uint8Array, sent: Uint8Array): void => {
    const start = address(result);
    if (start !== undefined) world.reserved({ kind: "memory", backed: false, start, size: sizeSent(sent) });
  };
  return { name: `${M}reserve_wrapper`, writer: args().u64(0).u64(size), learn };
};

const reserveShared: Builder = (world, random) => {
  const size = PAGE * BigInt(1 + random.below(8));
  const learn = (result: Uint8Array, sent: Uint8Array): void => {
    const start = address(result);
    if (start !== undefined) world.reserved({ kind: "shared", backed: true, start, size: sizeSent(sent) });
  };
  return { name: `${S}Reserve`, writer: args().u64(0).u64(size), learn };
};

const reserveSlab: Builder = (world, random) => {
  const start = pick([0n, 0x5100_0000n + PAGE * 64n * BigInt(random.below(64))], random);
  const size = PAGE * BigInt(1 + random.below(64));
  const backing = pick(["", "fd:4", world.backingPath], random);
  const learn = (result: Uint8Array, sent: Uint8Array): void => {
    const at = address(result);
    if (at !== undefined) world.reserved({ kind: "slab", backed: backing !== "", start: at, size: sizeSent(sent) });
  };
  return { name: `${OURS}slab_reserve`, writer: args().u64(start).u64(size).sequence(backing), learn };
};

const keys =
  (name: string): Builder =>
  (world, random) => ({ name, writer: addresses(some(world.keys, random)) });

const bases =
  (name: string, kind: string): Builder =>
  (world, random) => {
    const fitting = world.reservations.filter((reservation) => reservation.kind === kind).map(({ start }) => start);
    return { name, writer: addresses(random.below(3) === 0 ? some(fitting, random) : []) };
  };

const nameTemplate: Builder = (world, random) => {
  const { start, size } = world.somewhere(random, ({ kind }) => kind === "slab");
  const at = pick([start, start + PAGE, start - PAGE * 4n, start + size], random);
  return { name: `${OURS}slab_template`, writer: args().u64(start).u64(at).sequence(world.backingPath) };
};

const releaseSlab: Builder = (world, random) => {
  const { start } = world.somewhere(random, ({ kind }) => kind === "slab");
  return { name: `${OURS}slab_release`, writer: args().u64(start) };
};

const write =
  (type: string, width: number): Builder =>
  (world, random) => {
    const out = args();
    const count = random.below(5);
    out.u64(count);
    for (let i = 0; i < count; i++) {
      out.u64(pageIn(world.somewhere(random), random) + BigInt(random.below(4100)));
      if (width === 0) out.sequence("some bytes");
      else out.zeros(width);
    }
    return { name: `${B}mem_write_${type}_wrapper`, writer: out };
  };

const read =
  (type: string): Builder =>
  (world, random) => {
    const out = args();
    const count = random.below(5);
    out.u64(count);
    for (let i = 0; i < count; i++) {
      const start = pageIn(world.somewhere(random), random) + BigInt(random.below(4100));
      out.u64(start);
      if (type === "buffers") out.u64(start + BigInt(random.below(5000)));
    }
    return { name: `${B}mem_read_${type}_wrapper`, writer: out };
  };

const open: Builder = (_world, random) => ({
  name: `${D}open_wrapper`,
  writer: args()
    .u64(0)
    .sequence(pick(["", "libm.so.6", "/nonexistent/lib.so"], random))
    .u64(0),
});

const resolve: Builder = (world, random) => ({
  name: `${D}resolve_wrapper`,
  writer: args()
    .u64(pick(world.handles, random))
    .each(some(["malloc", "", "memcpy@GLIBC_2.14", "no such name", "dlsym"], random), (out, name) => {
      out.sequence(name).u8(random.below(2));
    }),
});

const runAsMain: Builder = (_world, random) => ({
  name: `${B}run_as_main_wrapper`,
  writer: args()
    .u64(SUCCESS)
    .each(some(["program", "", "argument"], random), (out, word) => void out.sequence(word)),
});

const runAs =
  (type: string): Builder =>
  () => ({
    name: `${B}run_as_${type}_function_wrapper`,
    writer: type === "int" ? args().u64(SUCCESS).u32(7) : args().u64(SUCCESS),
  });

const frames =
  (action: string): Builder =>
  () => ({
    name: `llvm_orc_${action}EHFrameAllocAction`,
    writer: args().u64(FRAMES.start).u64(FRAMES.end),
  });

const debugObject: Builder = () => ({
  name: "llvm_orc_registerJITLoaderGDBAllocAction",
  writer: args().u64(FRAMES.start).u64(FRAMES.end).u8(1),
});

const ifuncs: Builder = () => ({ name: `${OURS}resolve_ifuncs`, writer: args().u64(IFUNCS.start).u64(IFUNCS.end) });

const loadImage: Builder = (world, random) => {
  if (random.below(3) > 0) return loadBadImage(world, random);
  const { start, size, bytes } = world.image;
  const out = args().u64(start).u64(size).sequence(bytes).u64(0).u64(0);
  const learn = (result: Uint8Array): void => {
    if (result.length > 9 && result[0] === 1)
      world.handles.push(new DataView(result.buffer, result.byteOffset).getBigUint64(1, true));
    if (world.handles.length > 8) world.handles.shift();
  };
  return { name: `${OURS}image_load`, writer: out.u64(start).u64(random.below(3)), learn };
};

/** The slab that the image fits in. */
const reserveForImage: Builder = (world) => {
  const start = BigInt(world.image.start);
  const size = BigInt(world.image.size);
  const learn = (result: Uint8Array): void => {
    if (address(result) === start) world.reserved({ kind: "slab", backed: false, start, size });
  };
  return { name: `${OURS}slab_reserve`, writer: args().u64(start).u64(size).sequence(""), learn };
};

/** Of an ELF file that is none: what the loader itself makes of a file is its own business. */
const loadBadImage: Builder = (world, random) => {
  const slab = world.somewhere(random, ({ kind }) => kind === "slab");
  const header = args()
    .raw(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, 1, 1))
    .zeros(57);
  const out = args()
    .u64(slab.start)
    .u64(slab.size)
    .sequence(random.below(2) === 0 ? header.bytes.slice() : "");
  return { name: `${OURS}image_load`, writer: out.u64(slab.start).u64(64).u64(slab.start).u64(random.below(3)) };
};

const unloadImage: Builder = (world, random) => ({
  name: `${OURS}image_unload`,
  writer: args().u64(pick(world.handles, random)),
});

const runProgram: Builder = (_world, random) => {
  const arrays = random.below(2) === 0 ? [] : [INITIALIZERS];
  const out = args()
    .u64(SUCCESS)
    .each(some(["program", "word"], random), (to, word) => void to.sequence(word));
  for (let i = 0; i < 2; i++) out.each(arrays, (to, { start, end }) => void to.u64(start).u64(end));
  out.u8(0).each(some([SUCCESS, 0n], random), (to, item) => void to.u64(item));
  return { name: `${OURS}program_run`, writer: out.each(some([SUCCESS], random), (to, item) => void to.u64(item)) };
};

/** Linked code that calls the controller. */
const callOut: Builder = (_world, random) => ({
  name: "",
  tag: CALL_OUT,
  writer: args().u8(0).u64(random.below(1000)),
});

const plain =
  (name: string): Builder =>
  () => ({ name, writer: args() });

const builders: readonly Builder[] = [
  ...[reserveMemory, reserveMemory, reserveShared, reserveSlab, reserveSlab, nameTemplate, releaseSlab],
  ...[false, false, false, true, true].map(
    (shared): Builder =>
      (world, random) =>
        initialize(world, random, shared),
  ),
  ...[keys(`${M}deinitialize_wrapper`), keys(`${S}Deinitialize`)],
  ...[bases(`${M}release_wrapper`, "memory"), bases(`${S}Release`, "shared")],
  ...[
    write("uint8s", 1),
    write("uint16s", 2),
    write("uint32s", 4),
    write("uint64s", 8),
    write("pointers", 8),
    write("buffers", 0),
  ],
  ...["uint8s", "uint16s", "uint32s", "uint64s", "pointers", "buffers", "strings"].map(read),
  ...[
    open,
    resolve,
    resolve,
    runAsMain,
    runAs("void"),
    runAs("int"),
    frames("register"),
    frames("deregister"),
    debugObject,
  ],
  ...[callOut, callOut, reserveForImage, loadImage, loadImage],
  ...[ifuncs, unloadImage, runProgram, plain(`${OURS}processor_time`), plain(`${OURS}trace_take`)],
];

/** Some request that a controller could make now. */
export function someRequest(world: World, random: Random): Request {
  const request = pick(builders, random)(world, random);
  return request.name.endsWith("trace_take") && !world.symbols.has(request.name) ? someRequest(world, random) : request;
}
