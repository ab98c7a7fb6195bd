import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { discardPages, discardSharedPages, MapFlag, mapMemory, Protection, unmapMemory } from "../host/mapping.ts";
import { type MemoryMapper, SHARED_DATA } from "../memory/memory-mapper.ts";
import { RpcMemoryMapper } from "../memory/rpc-mapper.ts";
import type { ExecutorMemory } from "./executor-memory.ts";
import { HeapChunk } from "./heap-chunk.ts";

/** Reads and writes (<sys/mman.h>). */
const READ_WRITE = Protection.read | Protection.write;

/** Where run-time memory comes from; sizes are whole pages. Errors: code "memory". */
export interface HeapSource {
  /** A chunk of zeros, of which `memory` knows when this process shares it. */
  reserve(size: number): Promise<HeapChunk>;
  /** Nothing of it is in use any more. */
  release(chunk: HeapChunk): Promise<void>;
}

/** What fits an executor: memory that this process shares with it, if there is any. */
export function heapSourceOf(
  epc: ExecutorProcessControl,
  mapper: MemoryMapper | undefined,
  memory: ExecutorMemory,
): HeapSource {
  if (epc.kind === "in-process") return inProcess(memory);
  const shares = mapper?.localAddress !== undefined && mapper.canPlace;
  return shares ? shared(mapper, memory) : byRequest(epc, memory);
}

function fillWindow(memory: ExecutorMemory): (address: number, size: number) => void {
  return (address, size) => {
    if (size === 0) return;
    const { buffer, byteOffset } = memory.window(address, size)!;
    new Uint8Array(buffer, byteOffset, size).fill(0);
  };
}

/** Private: a child that linked code forks has its own. */
function inProcess(memory: ExecutorMemory): HeapSource {
  return {
    async reserve(size) {
      const flags = MapFlag.private | MapFlag.anonymous | MapFlag.noReserve;
      const start = mapMemory({ size, protection: READ_WRITE, flags });
      memory.windows.add({ start, end: start + size, localAddress: start });
      return new HeapChunk({ start, end: start + size }, { fill: fillWindow(memory), giveBack: discardPages });
    },
    async release({ range }) {
      memory.detach(range);
      unmapMemory(range.start, range.end - range.start);
    },
  };
}

function shared(mapper: MemoryMapper, memory: ExecutorMemory): HeapSource {
  return {
    async reserve(size) {
      const { start, end } = await mapper.reserve(size);
      await initialize(mapper, start, size, READ_WRITE | SHARED_DATA);
      const localAddress = mapper.localAddress!(start, size)!;
      memory.windows.add({ start, end, localAddress });
      const giveBack = (address: number, bytes: number) => discardSharedPages(address - start + localAddress, bytes);
      return new HeapChunk({ start, end }, { fill: fillWindow(memory), giveBack });
    },
    async release({ range }) {
      memory.detach(range);
      await mapper.release([range.start]);
    },
  };
}

function byRequest(epc: ExecutorProcessControl, memory: ExecutorMemory): HeapSource {
  const mapper = new RpcMemoryMapper(epc, "mapper");
  return {
    async reserve(size) {
      const { start, end } = await mapper.reserve(size);
      mapper.prepare(start, mapper.pageSize);
      await initialize(mapper, start, size, READ_WRITE);
      const fill = (address: number, bytes: number) => memory.writeAsync(address, new Uint8Array(bytes));
      return new HeapChunk({ start, end }, { fill });
    },
    async release({ range }) {
      await mapper.release([range.start]);
    },
  };
}

async function initialize(mapper: MemoryMapper, start: number, size: number, protection: number): Promise<void> {
  const segments = [{ address: start, contentSize: 0, zeroFillSize: size, protection }];
  try {
    await mapper.initialize({ reservation: start, segments, actions: [] });
  } catch (error) {
    await mapper.release([start]);
    throw error;
  }
}
