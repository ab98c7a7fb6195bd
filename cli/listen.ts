import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type Socket } from "node:net";
import { type Endpoint, endpointText } from "../src/epc/endpoint.ts";
import { executorPath } from "../src/orc/executor-path.ts";
import { bind } from "./bind.ts";
import { Door, refuse } from "./door.ts";
import { writeError } from "./terminal.ts";

/** How an executor listens. */
export interface ListenOptions {
  readonly endpoint: Endpoint;
  /** Over TCP: what a controller must prove to know. */
  readonly secret?: Uint8Array;
  /** For one controller only. */
  readonly once: boolean;
  /** Controllers at a time. */
  readonly maxConnections: number;
  /** For LLVM's controllers: everybody is let in, and the program's standard streams are ours. */
  readonly llvm: boolean;
}

/** For executors to end when they are asked to, in ms. */
const END_LIMIT = 2_000;
/** As in src/host/connect-socket.ts. */
const KEEP_ALIVE = 15_000;

/** Listens, and gives each controller that is let in an executor of its own, until a signal comes. Gives the exit status. */
export async function listen(options: ListenOptions): Promise<number> {
  const { endpoint, secret, once, maxConnections, llvm } = options;
  const program = executorPath();
  const door = new Door(secret);
  const executors = new Set<ChildProcess>();
  let admitted = 0;
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });

  const settings = {
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE,
  };
  const server = createServer(settings, (socket) => void take(socket));
  const take = async (socket: Socket): Promise<void> => {
    socket.on("error", () => {});
    const who =
      socket.remoteAddress === undefined
        ? "a controller"
        : endpointText({ kind: "tcp", host: socket.remoteAddress, port: socket.remotePort! });
    const log = (text: string): void => writeError(`slablink: ${who} ${text}\n`);
    const isFull = (): boolean => admitted >= maxConnections;
    const full = `no more than ${maxConnections} controllers are let in at a time`;
    if (isFull()) {
      if (llvm) socket.destroy();
      else refuse(socket, full);
      return log(`refused: ${full}`);
    }
    try {
      if (!llvm && !(await door.admit(socket, log))) return;
    } catch (error) {
      socket.destroy();
      return log(`refused: ${(error as Error).message}`);
    }
    if (socket.destroyed) return;
    // Others may have come in while this one proved itself; it has been welcomed, and finds its connection closed.
    if (isFull()) {
      socket.destroy();
      return log(`refused: ${full}`);
    }
    admitted++;
    if (once) server.close();
    handOver(socket, log);
  };
  const handOver = (socket: Socket, log: (text: string) => void): void => {
    // A controller of LLVM's expects exit handlers to run when it has gone; an executor that has a parent dies with that.
    const words = ["filedescs=3,3", ...(llvm ? [] : ["supervise", `parent=${process.pid}`])];
    const own = llvm ? "inherit" : "ignore";
    const child = spawn(program, words, { stdio: [own, own, "inherit", socket] });
    // It has the socket now, and nobody else.
    socket.destroy();
    executors.add(child);
    if (child.pid !== undefined) log(`is let in (process ${child.pid})`);
    const gone = (): void => {
      if (!executors.delete(child)) return;
      admitted--;
      if (once) end();
    };
    child.on("exit", gone);
    child.on("error", (error) => {
      log(`got no executor: ${error.message}`);
      gone();
    });
  };

  const place = await bind(server, endpoint);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);
  writeError(`slablink: an executor listens on ${endpointText(place)}\n`);
  await ended;
  server.close();
  await endAll(executors);
  return 0;
}

async function endAll(executors: ReadonlySet<ChildProcess>): Promise<void> {
  const ends = [...executors].map((child) => new Promise((resolve) => child.on("exit", resolve)));
  const signalAll = (signal: NodeJS.Signals): void => executors.forEach((child) => void child.kill(signal));
  signalAll("SIGTERM");
  const late = setTimeout(() => signalAll("SIGKILL"), END_LIMIT);
  await Promise.all(ends);
  clearTimeout(late);
}
