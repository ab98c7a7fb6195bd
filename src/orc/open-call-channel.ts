// Opens a channel for calls into what a session has linked: links the executor's side of it (executor/linked/calls.c) and says how the executor's
// end is noticed. Where both sides see the same memory it is an area there (docs/calls.md), elsewhere messages.

import { AREA_SIZE, type CallArea } from "../calls/call-area.ts";
import type { CallChannel, ChannelOptions, PointerContextFactory } from "../calls/call-channel.ts";
import type { CallExecutor } from "../calls/call-executor.ts";
import { LaneChannel } from "../calls/lane-channel.ts";
import { LaneWords } from "../calls/lane-words.ts";
import { type CallMessages, MessageChannel, PLACE_SIZE, PLACES } from "../calls/message-channel.ts";
import { RemoteExecutorProcessControl } from "../epc/remote.ts";
import { SpsReader } from "../epc/sps-reader.ts";
import { ExecutorError } from "../errors.ts";
import { bufferAddress } from "../host/buffer-address.ts";
import { milliseconds } from "../host/clock.ts";
import { MapFlag, mapMemory, Protection, unmapMemory } from "../host/mapping.ts";
import { callWithPointer } from "../host/native-call.ts";
import { viewMemory } from "../host/view.ts";
import { WakePipe } from "../host/wake-pipe.ts";
import type { ExecutionSession } from "./execution-session.ts";
import { withCrash } from "./explain-crash.ts";
import { linkOwnObject } from "./link-own-object.ts";

/** An open channel, and what import thunks call: `void __slablink_import(uint64_t id, void *block, uint64_t size)`. */
export interface OpenCallChannel {
  readonly channel: CallChannel;
  readonly importAddress: number;
}

/** How a channel is opened. */
export interface OpenCallChannelOptions {
  /** Takes what imports throw outside of any call; by default it is thrown as an uncaught exception. */
  readonly onError?: (error: unknown) => void;
}

const NAMES = {
  import: "__slablink_import",
  importTag: "__slablink_import_tag",
  start: "__slablink_calls_start",
  stop: "__slablink_calls_stop",
  startHere: "__slablink_calls_start_here",
  stopHere: "__slablink_calls_stop_here",
  leftHere: "__slablink_calls_left_here",
  startByMessage: "__slablink_calls_start_by_message",
  callByMessage: "__slablink_call_by_message",
} as const;

type Addresses = Readonly<Record<keyof typeof NAMES, number>>;

const DISPATCH = ["__llvm_orc_SimpleRemoteEPC_dispatch_fn", "__llvm_orc_SimpleRemoteEPC_dispatch_ctx"] as const;

let serial = 0;

/**
 * Opens a channel to a session's executor, which ends with the session if it is not closed before. From then on the executor keeps Node alive
 * only while a request or a call is outstanding. Errors: LinkError when the executor's side has not been built; ExecutorError, code "memory".
 */
export async function openCallChannel(
  session: ExecutionSession,
  pointers: PointerContextFactory,
  { onError }: OpenCallChannelOptions = {},
): Promise<OpenCallChannel> {
  const addresses = await linkCalls(session);
  const { epc } = session;
  const options = { pointers, onError };
  let channel: CallChannel;
  if (epc.kind === "in-process") channel = openHere(addresses, options);
  else if (!(epc instanceof RemoteExecutorProcessControl)) {
    throw new ExecutorError("calls need an executor that is this process, or reached by a connection");
  } else {
    const how = { ...options, executor: remoteExecutor(epc, session) };
    const shared = session.sharesMemory && epc.isSlablink && epc.isLocal;
    channel =
      (shared ? await openShared(session, epc, addresses, how) : undefined) ??
      (await openByMessage(epc, addresses, how));
    epc.keepAlive(false);
  }
  const forget = session.beforeEnd(() =>
    channel.close().then(
      () => true,
      () => false,
    ),
  );
  const close = channel.close.bind(channel);
  // One that could not be closed keeps the session's memory.
  channel.close = () => close().then(() => void forget());
  return { channel, importAddress: addresses.import };
}

function linkCalls(session: ExecutionSession): Promise<Addresses> {
  const purpose = "linked code is to be called from JavaScript";
  return linkOwnObject(session, `slablink-calls-${++serial}`, "slablink-calls.o", NAMES, purpose);
}

type Opening = Omit<ChannelOptions, "executor">;

/** In this process the area is memory of its own. */
function openHere(addresses: Addresses, options: Opening): CallChannel {
  const address = mapMemory({
    size: AREA_SIZE,
    protection: Protection.read | Protection.write,
    flags: MapFlag.private | MapFlag.anonymous | MapFlag.noReserve,
  });
  const area = { buffer: viewMemory(address, AREA_SIZE), offset: 0, address, localAddress: address };
  const executor: CallExecutor = {
    whyNotKilled: "code that runs in this process cannot be stopped; an executor's can",
    endNow: () => undefined,
    failed: new Promise(() => {}),
  };
  const { channel, pipe } = makeChannel({ ...options, executor }, area, async (runs) => {
    if (runs) throw new ExecutorError("a call goes on running in this process, and its memory stays");
    callWithPointer(addresses.stopHere, 0);
    unmapMemory(address, AREA_SIZE);
    await untilLeft(addresses.leftHere);
  });
  const argument = new BigUint64Array([BigInt(address), 0n]);
  callWithPointer(addresses.startHere, bufferAddress(argument));
  const status = Number(argument[1]);
  if (status === 0) return channel;
  pipe.close();
  unmapMemory(address, AREA_SIZE);
  throw new ExecutorError(`no threads for calls: errno ${status}`);
}

/** How long threads of the program's may take that were in imports when the channel closed, in ms. */
const PATIENCE = 1000;

/** Until the threads have ended that went back into linked code with 0 for an import's result: its memory is about to go. */
async function untilLeft(leftHere: number): Promise<void> {
  const left = new BigUint64Array(1);
  for (const end = milliseconds() + PATIENCE; ; ) {
    callWithPointer(leftHere, bufferAddress(left));
    if (left[0] !== 0n) return;
    if (milliseconds() > end) {
      throw new ExecutorError("a thread that called an import goes on running in this process, and its memory stays");
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** In an executor the area is memory of its slab that stays shared. undefined where the pipe cannot be opened there. */
async function openShared(
  session: ExecutionSession,
  epc: RemoteExecutorProcessControl,
  addresses: Addresses,
  options: ChannelOptions,
): Promise<CallChannel | undefined> {
  const array = await session.allocate(Uint8Array, AREA_SIZE);
  const { memory } = session;
  const address = memory.addressOf(array)!;
  const area = { buffer: array.buffer, offset: array.byteOffset, address, localAddress: bufferAddress(array) };
  const { channel, pipe } = makeChannel(options, area, async (runs) => {
    if (runs) return;
    await epc.callAddress(addresses.stop, new Uint8Array(0));
    await session.free(array);
  });
  const argument = new BigUint64Array([BigInt(address)]);
  let status: number;
  try {
    const answer = await epc.callAddress(addresses.start, new Uint8Array(argument.buffer));
    status = new SpsReader(answer, "opening a channel for calls").u64("errno");
  } catch (error) {
    pipe.close();
    throw error;
  }
  if (status !== 0) {
    pipe.close();
    await session.free(array);
    return undefined;
  }
  pipe.closeWriteEnd();
  return channel;
}

function makeChannel(
  options: ChannelOptions,
  area: CallArea,
  release: (runs: boolean) => Promise<void>,
): { channel: LaneChannel; pipe: WakePipe } {
  const pipe = new WakePipe(() => channel.wake());
  new LaneWords(area).setPath(pipe.path);
  const channel = new LaneChannel({ ...options, area, pipe, release });
  return { channel, pipe };
}

async function openByMessage(
  epc: RemoteExecutorProcessControl,
  addresses: Addresses,
  options: ChannelOptions,
): Promise<CallChannel> {
  const words = [...DISPATCH.map((name) => epc.bootstrapAddress(name)), PLACES * PLACE_SIZE];
  const argument = new BigUint64Array(words.map(BigInt));
  const answer = await epc.callAddress(addresses.startByMessage, new Uint8Array(argument.buffer));
  const places = new SpsReader(answer, "opening a channel for calls").u64("address");
  if (places === 0) throw new ExecutorError("the executor has no memory for calls");
  const messages: CallMessages = {
    send: (message) => epc.callAddress(addresses.callByMessage, message),
    sendNow: (message, onQuiet) => {
      if (!epc.canBlock) throw new ExecutorError("this connection cannot be waited for: only asynchronous calls");
      return epc.callAddressNow(addresses.callByMessage, message, onQuiet);
    },
    release: (calls) => epc.releasePending(calls),
    onImport: (handler) => epc.handleDispatch(addresses.importTag, handler),
  };
  return new MessageChannel({ ...options, messages, places, release: async () => {} });
}

function remoteExecutor(epc: RemoteExecutorProcessControl, session: ExecutionSession): CallExecutor {
  const explain = (error: Error): Error => withCrash(error, epc, session) as Error;
  const kill = epc.isLocal ? () => epc.kill("SIGKILL") : undefined;
  const endNow = (): Error | undefined => {
    const error = epc.endNow();
    return error === undefined ? undefined : explain(error);
  };
  const whyNotKilled = "the executor is not a child of this process, which cannot stop it";
  return { kill, whyNotKilled, endNow, failed: epc.failed.then(explain) };
}
