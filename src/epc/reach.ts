import { ExecutorError } from "../errors.ts";
import { startStreamCommand } from "../host/command.ts";
import { connectSocket, readLine, type Socket } from "../host/connect-socket.ts";
import { peerUser } from "../host/peer-user.ts";
import type { ProgramStreams } from "../host/standard-streams.ts";
import { type Endpoint, endpointText } from "./endpoint.ts";
import { answerTo, isSame, LINE_SIZE, parseGreeting } from "./handshake.ts";
import { RemoteExecutorProcessControl } from "./remote.ts";
import type { RequestObserver } from "./request-observer.ts";
import { lostConnection, SupervisedExecutor } from "./supervised.ts";

/** How to get to an executor that somebody else starts: a command line whose standard input and output are the stream, or a place where one listens. */
export type Reach =
  | {
      /** Run by a shell. */
      readonly command: string;
    }
  | {
      /** Where an executor listens. */
      readonly endpoint: Endpoint;
      /** Shared with the executor; needed over TCP. */
      readonly secret?: Uint8Array;
    };

/** How an executor is reached; `streams` are the program's standard streams, by default this process's. Limits are in ms. */
export interface ReachOptions {
  readonly reach: Reach;
  readonly streams?: ProgramStreams;
  readonly setupLimit?: number;
  readonly observer?: RequestObserver;
}

/** A command may ask for a password, or find a machine for the executor. */
const COMMAND_SETUP_LIMIT = 120_000;
/** For each step until a listening executor lets us in, in ms: it may make us wait for the wrong secrets of others. */
const STEP_LIMIT = 40_000;
/** For a command to end when its executor has, in ms. */
const COMMAND_END_LIMIT = 2_000;

/** Reaches an executor and waits for its Setup. Errors: ExecutorError naming the command or the place. */
export function reachExecutor(options: ReachOptions): Promise<RemoteExecutorProcessControl> {
  return "command" in options.reach
    ? throughCommand(options.reach.command, options)
    : throughSocket(options.reach, options);
}

async function throughCommand(command: string, options: ReachOptions): Promise<RemoteExecutorProcessControl> {
  const { readable, writable, ended, kill } = startStreamCommand(command);
  const within = (limit: number) =>
    Promise.race([ended, new Promise<undefined>((late) => setTimeout(() => late(undefined), limit).unref())]);
  const end = async (): Promise<void> => {
    if ((await within(COMMAND_END_LIMIT)) === undefined) kill("SIGKILL");
  };
  const executor = new SupervisedExecutor({
    ...{ readable, writable, streams: options.streams, settled: end },
    async explainLoss(heard) {
      writable.destroy();
      const how = await within(COMMAND_END_LIMIT);
      if (how === undefined) kill("SIGKILL");
      const said =
        how === undefined
          ? "closed its standard output"
          : how.signal
            ? `was killed by ${how.signal}`
            : `ended with exit status ${how.status}`;
      return heard
        ? lostConnection(`before it said how it ended: the command '${command}' ${said}`)
        : new ExecutorError(`the command '${command}' ${said} before an executor answered`);
    },
  });
  return attach(executor, options, COMMAND_SETUP_LIMIT);
}

async function throughSocket(
  { endpoint, secret }: Extract<Reach, { endpoint: Endpoint }>,
  options: ReachOptions,
): Promise<RemoteExecutorProcessControl> {
  const place = endpointText(endpoint);
  let socket: Socket | undefined;
  try {
    const address = endpoint.kind === "unix" ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port };
    socket = await connectSocket(address, STEP_LIMIT);
    await getIn(socket, endpoint, secret);
  } catch (cause) {
    socket?.destroy();
    throw new ExecutorError(`${place}: ${(cause as Error).message}`, { cause });
  }
  const executor = new SupervisedExecutor({
    ...{ readable: socket, writable: socket, streams: options.streams },
    explainLoss: async (heard) =>
      heard
        ? lostConnection(`before it said how it ended: ${place}`)
        : new ExecutorError(`${place}: closed the connection before an executor answered`),
  });
  return attach(executor, options, undefined);
}

/** Our side of the handshake. Errors name what went wrong, not where. */
async function getIn(socket: Socket, endpoint: Endpoint, secret: Uint8Array | undefined): Promise<void> {
  if (endpoint.kind === "unix") {
    const [user, own] = [peerUser(socket), process.getuid!()];
    if (user !== own && user !== 0) throw new Error(`user ${user} listens there, not user ${own}; nothing was sent`);
  }
  const line = await readLine(socket, LINE_SIZE, STEP_LIMIT);
  const greeting = parseGreeting(line);
  if (greeting === undefined) throw new Error("what listens there is no executor of this version's");
  if (greeting.kind === "refused") throw new Error(`refused: ${greeting.reason}`);
  if (greeting.kind === "peer-user") {
    if (endpoint.kind === "unix") return;
    throw new Error("what listens there asks for no secret; nothing was sent");
  }
  if (secret === undefined) {
    throw new Error("a secret is needed, from --secret-file or the environment's SLABLINK_SECRET");
  }
  const { answer, welcome } = answerTo(greeting.nonce, secret);
  socket.write(answer);
  const said = await readLine(socket, LINE_SIZE, STEP_LIMIT);
  const refusal = parseGreeting(said);
  if (refusal?.kind === "refused") throw new Error(`refused: ${refusal.reason}`);
  if (!isSame(`${said}\n`, welcome))
    throw new Error("what listens there does not know the secret; nothing else was sent");
}

function attach(
  executor: SupervisedExecutor,
  { setupLimit, observer }: ReachOptions,
  limit: number | undefined,
): Promise<RemoteExecutorProcessControl> {
  return RemoteExecutorProcessControl.connect(executor, {
    process: executor,
    setupLimit: setupLimit ?? limit,
    observer,
  });
}
