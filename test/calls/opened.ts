import { closeSync, openSync, readSync } from "node:fs";
import type { CallChannel, CallOptions } from "../../src/calls/call-channel.ts";
import type { ImportHandler } from "../../src/calls/import-table.ts";
import { InProcessExecutorProcessControl } from "../../src/epc/in-process.ts";
import { launchExecutor } from "../../src/epc/launch.ts";
import type { RemoteExecutorProcessControl } from "../../src/epc/remote.ts";
import { SlabMemory } from "../../src/host/slab-memory.ts";
import { readMemory } from "../../src/host/view.ts";
import { readingOpener } from "../../src/inputs/file-opener.ts";
import { InProcessMemoryMapper } from "../../src/memory/in-process-mapper.ts";
import { RpcMemoryMapper } from "../../src/memory/rpc-mapper.ts";
import { SharedMemoryMapper } from "../../src/memory/shared-memory-mapper.ts";
import { SlabMemoryManager } from "../../src/memory/slab-memory-manager.ts";
import { ProcessSymbolsGenerator } from "../../src/orc/definition-generator.ts";
import { ExecutionSession } from "../../src/orc/execution-session.ts";
import { executorPath } from "../../src/orc/executor-path.ts";
import { openCallChannel } from "../../src/orc/open-call-channel.ts";
import { compile } from "../support/compile.ts";
import { importPointer, layoutOf, thunk } from "./layouts.ts";

export type Mode = "in this process" | "shared" | "by messages";
export const modes: readonly Mode[] = ["in this process", "shared", "by messages"];
export const isolated: readonly Mode[] = ["shared", "by messages"];

const SLAB_SIZE = 16 * 2 ** 20;

async function openSession(mode: Mode): Promise<ExecutionSession> {
  if (mode === "in this process") {
    const epc = new InProcessExecutorProcessControl();
    const memoryManager = new SlabMemoryManager(new InProcessMemoryMapper(epc), epc, { slabSize: SLAB_SIZE });
    return new ExecutionSession({ epc, memoryManager, sharedMemory: true });
  }
  if (mode === "by messages") {
    const epc = await launchExecutor({ path: executorPath() });
    const memoryManager = new SlabMemoryManager(new RpcMemoryMapper(epc), epc, { slabSize: SLAB_SIZE });
    return new ExecutionSession({ epc, memoryManager, sharedMemory: false });
  }
  const slab = new SlabMemory(SLAB_SIZE);
  const epc = await launchExecutor({ path: executorPath(), slab });
  const mapper = new SharedMemoryMapper(epc, { inherited: slab });
  return new ExecutionSession({
    epc,
    memoryManager: new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE }),
    sharedMemory: true,
  });
}

/** A program that is linked, and the channel into it. */
export interface Opened {
  readonly session: ExecutionSession;
  readonly channel: CallChannel;
  readonly pid: number | undefined;
  call(name: string, letters: string, values: readonly unknown[], options?: CallOptions): Promise<unknown>;
  sync(name: string, letters: string, values: readonly unknown[], options?: CallOptions): unknown;
  /** Gives the import of that name its function. */
  bind(name: string, handler: ImportHandler): number;
}

/** Opens a channel into a program: C text, in which the `imports` are functions; `calls` are the signatures that it is called with. */
export async function open(
  mode: Mode,
  text: string,
  calls: readonly string[],
  imports: Readonly<Record<string, string>> = {},
  onError?: (error: unknown) => void,
): Promise<Opened> {
  const signatures = [...new Set([...calls, "vp", "vi"])].map(layoutOf);
  const layouts = new Map(signatures.map((layout) => [layout.shim.slice(5), layout]));
  const thunks = Object.entries(imports).map(([name, letters]) => {
    return `${thunk(name, letters)}void set_${name}(int id) { ${name}_id = id; }\n`;
  });
  const source = `${importPointer}${thunks.join("")}${text}\n${signatures.map((layout) => layout.text).join("")}`;
  const object = await compile(["gcc", "-O1", "-fPIC", "-pthread"], "program.c", source);
  const session = await openSession(mode);
  const dylib = session.createJITDylib("main");
  dylib.addObject(readingOpener.open(object));
  dylib.addGenerator(new ProcessSymbolsGenerator());
  const pid = (session.epc as RemoteExecutorProcessControl).pid;
  await session.lookup(dylib, ["set_import"]);
  const at = (name: string): number => {
    const address = dylib.find(name);
    if (address === undefined) throw new Error(`the program has no ${name}`);
    return address;
  };
  const opened = await openCallChannel(
    session,
    () => ({
      addressOf: (value) => {
        throw new TypeError(`no address for ${typeof value}`);
      },
      readString: (address) => (address === 0 ? null : readString(pid, address)),
    }),
    { onError },
  );
  const { channel, importAddress } = opened;
  const sync: Opened["sync"] = (name, letters, values, options) => {
    const layout = layouts.get(letters)!;
    return channel.callSync(at(layout.shim), at(name), layout, values, options);
  };
  sync("set_import", "vp", [importAddress]);
  return {
    session,
    channel,
    pid,
    sync,
    call(name, letters, values, options) {
      const layout = layouts.get(letters)!;
      return channel.call(at(layout.shim), at(name), layout, values, options);
    },
    bind(name, handler) {
      const id = channel.addImport(layoutOf(imports[name]), handler);
      sync(`set_${name}`, "vi", [id]);
      return id;
    },
  };
}

function readString(pid: number | undefined, address: number): string {
  if (pid === undefined) return cut(readMemory(address, 64));
  const fd = openSync(`/proc/${pid}/mem`, "r");
  try {
    const bytes = new Uint8Array(64);
    readSync(fd, bytes, 0, 64, address);
    return cut(bytes);
  } finally {
    closeSync(fd);
  }
}

function cut(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}
