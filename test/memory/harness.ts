import { readdirSync, readlinkSync } from "node:fs";
import type { ExecutorProcessControl } from "../../src/epc/executor-process-control.ts";
import { InProcessExecutorProcessControl } from "../../src/epc/in-process.ts";
import { SpsReader } from "../../src/epc/sps-reader.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";
import { readMaps } from "../../src/host/maps.ts";
import { callResolver } from "../../src/host/native-call.ts";
import { SlabMemory } from "../../src/host/slab-memory.ts";
import { InProcessMemoryMapper } from "../../src/memory/in-process-mapper.ts";
import type { MemoryMapper, ZeroFill } from "../../src/memory/memory-mapper.ts";
import { RpcMemoryMapper } from "../../src/memory/rpc-mapper.ts";
import { SharedMemoryMapper } from "../../src/memory/shared-memory-mapper.ts";
import { launch, launchLlvm, withoutLlvm } from "../epc/executors.ts";

export const SLAB_SIZE = 16 * 2 ** 20;

export interface Target {
  readonly epc: ExecutorProcessControl & { readonly pid?: number };
  readonly mapper: MemoryMapper;
  /** Calls `int f(void)` at an address of the executor. */
  call(address: number): Promise<number>;
  close(): Promise<void>;
}

export interface TargetKind {
  readonly name: string;
  readonly skip: string | false;
  open(zeroFill?: ZeroFill): Promise<Target>;
}

const RUN_AS_VOID_FUNCTION = "__llvm_orc_bootstrap_run_as_void_function_wrapper";

async function remoteCall(epc: ExecutorProcessControl, address: number): Promise<number> {
  const result = await epc.callWrapper(RUN_AS_VOID_FUNCTION, new SpsWriter().u64(address).bytes);
  return new SpsReader(result, "calling").i32("value");
}

function remote(
  name: string,
  skip: string | false,
  start: (slab: SlabMemory) => Promise<ExecutorProcessControl>,
  map: (epc: ExecutorProcessControl, slab: SlabMemory, zeroFill?: ZeroFill) => MemoryMapper & { dispose?(): void },
): TargetKind {
  return {
    name,
    skip,
    async open(zeroFill): Promise<Target> {
      const slab = new SlabMemory(SLAB_SIZE);
      const epc = await start(slab);
      const mapper = map(epc, slab, zeroFill);
      return {
        epc,
        mapper,
        call: (address) => remoteCall(epc, address),
        async close(): Promise<void> {
          await epc.disconnect();
          mapper.dispose?.();
          slab.dispose();
        },
      };
    },
  };
}

/** Every way of getting memory into every kind of executor. */
export const targetKinds: readonly TargetKind[] = [
  {
    name: "in this process",
    skip: false,
    async open(zeroFill): Promise<Target> {
      const epc = new InProcessExecutorProcessControl();
      const mapper = new InProcessMemoryMapper(epc, zeroFill);
      return { epc, mapper, call: async (address) => callResolver(address), close: () => epc.disconnect() };
    },
  },
  remote(
    "slablink's executor, shared, inherited slab",
    false,
    (slab) => launch(slab),
    (epc, inherited, zeroFill) => new SharedMemoryMapper(epc, { inherited, zeroFill }),
  ),
  remote(
    "slablink's executor, shared, slab by path",
    false,
    () => launch(),
    (epc, _, zeroFill) => new SharedMemoryMapper(epc, { zeroFill }),
  ),
  remote(
    "slablink's executor, rpc",
    false,
    () => launch(),
    (epc, _, zeroFill) => new RpcMemoryMapper(epc, zeroFill),
  ),
  remote(
    "LLVM's executor, shared",
    withoutLlvm,
    () => launchLlvm(),
    (epc, _, zeroFill) => new SharedMemoryMapper(epc, { zeroFill }),
  ),
  remote(
    "LLVM's executor, rpc",
    withoutLlvm,
    () => launchLlvm(),
    (epc, _, zeroFill) => new RpcMemoryMapper(epc, zeroFill),
  ),
];

/** What of ours this process holds: memory files open or mapped, and what lies below 2 GiB but Node itself. */
export function heldResources(): string[] {
  const open = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return /memfd:slablink|jitlink/.test(target) ? [`fd ${target}`] : [];
    } catch {
      return [];
    }
  });
  const mapped = readMaps().filter(
    ({ start, path }) =>
      /slablink-slab|slablink-image|jitlink_/.test(path) || (start >= 0x5000_0000 && start < 0x7fff_0000),
  );
  return [...open, ...mapped.map(({ start, end, path }) => `${start.toString(16)}-${end.toString(16)} ${path}`)];
}
