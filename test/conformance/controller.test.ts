import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { constants } from "node:os";
import { test } from "node:test";
import { checkError, encodeOpen, expectValue } from "../../src/epc/calls.ts";
import { Llvm } from "../../src/epc/dialect.ts";
import { RemoteExecutorProcessControl } from "../../src/epc/remote.ts";
import { SpsReader } from "../../src/epc/sps-reader.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";
import { compile } from "../support/compile.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { type Ending, Peer, play, resultOf } from "./play.ts";
import { fragmentations, readCases } from "./stream.ts";

const LLVM = "/usr/lib/llvm-22/bin/llvm-jitlink";

/** All that LLVM 22's controllers ask for, at addresses that nobody looks at. */
const symbols = new Map(
  [
    ...["fn", "ctx"].map((name) => `__llvm_orc_SimpleRemoteEPC_dispatch_${name}`),
    ...["Instance", "open_wrapper", "resolve_wrapper"].map((name) => `__llvm_orc_SimpleExecutorDylibManager_${name}`),
    ...["Instance", "reserve_wrapper", "initialize_wrapper", "deinitialize_wrapper", "release_wrapper"].map(
      (name) => `__llvm_orc_SimpleExecutorMemoryManager_${name}`,
    ),
    ...["main", "void_function", "int_function"].map((name) => `__llvm_orc_bootstrap_run_as_${name}_wrapper`),
    ...["uint8s", "uint16s", "uint32s", "uint64s", "pointers", "buffers", "strings"].flatMap((name) => [
      `__llvm_orc_bootstrap_mem_write_${name}_wrapper`,
      `__llvm_orc_bootstrap_mem_read_${name}_wrapper`,
    ]),
    // Without the debugger's action, for which LLVM's controllers reserve memory that they never use.
    ...["registerEHFrame", "deregisterEHFrame"].map((name) => `llvm_orc_${name}AllocAction`),
  ].map((name, index) => [name, BigInt(0x1000 * (index + 1))] as const),
);

/** A controller, the port that it is to connect to, and how it ends. */
type Controller = (port: number) => { ended: Promise<Ending>; kill: () => void };

const llvm =
  (object: string): Controller =>
  (port) => {
    const child = spawn(LLVM, [`-oop-executor-connect=127.0.0.1:${port}`, object], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, LLVM_DISABLE_SYMBOLIZATION: "1" },
    });
    let words = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      words += text;
    });
    const ended = once(child, "close").then(([status, signal]): Ending => {
      return { status: signal === null ? status : 128 + constants.signals[signal as NodeJS.Signals], words };
    });
    return { ended, kill: () => child.kill("SIGKILL") };
  };

const slablink: Controller = (port) => {
  const socket = connect(port, "127.0.0.1");
  const ended = session(socket).then(
    (status): Ending => ({ status, words: "" }),
    (error: Error): Ending => ({ status: 1, words: error.message }),
  );
  return { ended, kill: () => socket.destroy() };
};

/** The requests of a link in memory that messages fill, as LLVM's controller makes them. */
async function session(socket: Socket): Promise<number> {
  const epc = await RemoteExecutorProcessControl.connect(socket);
  const { bootstrap } = epc;
  const memory = bootstrap.get(Llvm.memoryInstance)!;
  const ask = (name: string, argument: SpsWriter): Promise<Uint8Array> => epc.callWrapper(name, argument.bytes);
  const address = (reader: SpsReader): number => reader.u64("address");
  const opened = await epc.callWrapper(Llvm.dylibOpen, encodeOpen(bootstrap.get(Llvm.dylibInstance)!, ""));
  expectValue(opened, "opening the process", address);
  const reserved = await ask(Llvm.memoryReserve, new SpsWriter().u64(memory).u64(4096));
  const base = expectValue(reserved, "reserving", address);
  const code = new Uint8Array([0xb8, 7, 0, 0, 0, 0xc3]);
  const request = new SpsWriter().u64(memory).u64(1).u8(5).u64(base).u64(4096).blob(code).u64(0);
  expectValue(await ask(Llvm.memoryInitialize, request), "initializing", address);
  const main = await ask(Llvm.runAsMain, new SpsWriter().u64(base).u64(0));
  const status = new SpsReader(main, "running main").i64("status");
  checkError(await ask(Llvm.memoryRelease, new SpsWriter().u64(memory).u64(1).u64(base)), "releasing");
  await epc.disconnect();
  return status;
}

/** Takes the controller's connection, and is its executor. */
async function accept(controller: Controller): Promise<Peer> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const connection = once(server, "connection");
  const { ended, kill } = controller((server.address() as AddressInfo).port);
  const [socket] = (await connection) as [Socket];
  server.close();
  return new Peer({ input: socket.setNoDelay(), output: socket }, symbols, ended, kill);
}

const cases = readCases("controller.txt");

for (const [pieces, cut] of Object.entries(fragmentations)) {
  test(`controller, frames ${pieces}: slablink's and LLVM 22's do what the streams say`, async (t) => {
    const judge = has(t, LLVM, "cc");
    const object = judge
      ? await compile(["cc", "-O1", "-fno-asynchronous-unwind-tables"], "seven.c", "int main(void) { return 7; }\n")
      : "";
    for (const conformance of cases) {
      const { message, form } = conformance;
      await t.test(`${message}: ${form}`, async () => {
        await play(await accept(slablink), "slablink", conformance, cut);
        if (judge) await play(await accept(llvm(object)), "llvm", conformance, cut);
        tableRow("messages", "controller", message, form, resultOf(conformance));
      });
    }
  });
}
