import { D, M, OURS, type RawController, S } from "./controller.ts";
import { type SpsWriter, sps } from "./sps.ts";

/** RemoteAllocGroup bits. */
export const GROUP = { read: 1, write: 2, execute: 4 } as const;
export const RX = GROUP.read | GROUP.execute;
export const RW = GROUP.read | GROUP.write;

export interface Call {
  fn: number;
  args: Uint8Array;
}

export interface ActionPair {
  finalize?: Call;
  deallocate?: Call;
}

export interface Segment {
  group: number;
  address: number;
  size: number;
  content?: Uint8Array;
}

const NO_CALL: Call = { fn: 0, args: new Uint8Array() };

function writeActions(writer: SpsWriter, actions: readonly ActionPair[]): SpsWriter {
  return writer.each(actions, (w, { finalize = NO_CALL, deallocate = NO_CALL }) => {
    w.u64(finalize.fn).sequence(finalize.args).u64(deallocate.fn).sequence(deallocate.args);
  });
}

export async function reserveMemory(controller: RawController, size: number): Promise<number> {
  return (await controller.call(`${M}reserve_wrapper`, sps().u64(0).u64(size))).expected((r) => r.u64());
}

/** M initialize: contents travel along. */
export async function initializeMemory(
  controller: RawController,
  segments: Segment[],
  actions: ActionPair[] = [],
): Promise<number> {
  const args = sps()
    .u64(0)
    .each(segments, (w, s) => {
      w.u8(s.group)
        .u64(s.address)
        .u64(s.size)
        .sequence(s.content ?? new Uint8Array());
    });
  return (await controller.call(`${M}initialize_wrapper`, writeActions(args, actions))).expected((r) => r.u64());
}

/** S Initialize: contents are in place. */
export async function initializeShared(
  controller: RawController,
  base: number,
  segments: Segment[],
  actions: ActionPair[] = [],
): Promise<number> {
  const args = sps()
    .u64(0)
    .u64(base)
    .each(segments, (w, s) => {
      w.u8(s.group).u64(s.address).u64(s.size);
    });
  return (await controller.call(`${S}Initialize`, writeActions(args, actions))).expected((r) => r.u64());
}

/** Any wrapper of the form (instance, Sequence<Addr>) → Error. */
export async function giveUp(controller: RawController, wrapper: string, addresses: number[]): Promise<void> {
  (
    await controller.call(
      wrapper,
      sps()
        .u64(0)
        .each(addresses, (w, a) => void w.u64(a)),
    )
  ).success();
}

export async function reserveSlab(
  controller: RawController,
  address: number,
  size: number,
  backing = "",
): Promise<number> {
  return (await controller.call(`${OURS}slab_reserve`, sps().u64(address).u64(size).sequence(backing))).expected((r) =>
    r.u64(),
  );
}

export async function openLibrary(controller: RawController, path: string, mode = 0): Promise<number> {
  return (await controller.call(`${D}open_wrapper`, sps().u64(0).sequence(path).u64(mode))).expected((r) => r.u64());
}

/** One address per name; undefined where the executor answered None. */
export async function resolve(
  controller: RawController,
  handle: number,
  names: { name: string; required: boolean }[],
): Promise<(number | undefined)[]> {
  const args = sps()
    .u64(handle)
    .each(names, (w, { name, required }) => {
      w.sequence(name).bool(required);
    });
  return (await controller.call(`${D}resolve_wrapper`, args)).expected((r) =>
    Array.from({ length: r.u64() }, () => {
      if (r.u8() === 0) return undefined;
      const address = r.u64();
      const flags = r.u8() | (r.u8() << 8);
      if (flags !== 0x10) throw new Error(`flags 0x${flags.toString(16)}, expected 0x10`);
      return address;
    }),
  );
}

/** Address of one symbol of the process; throws if it is missing. */
export async function symbol(controller: RawController, name: string): Promise<number> {
  const [address] = await resolve(controller, 0, [{ name, required: true }]);
  if (address === undefined) throw new Error(`${name} is not in the executor`);
  return address;
}

/** `mov eax, value; ret` */
export function returnCode(value: number): Uint8Array {
  return sps().u8(0xb8).u32(value).u8(0xc3).bytes.slice();
}
