import { lstatSync, unlinkSync } from "node:fs";
import { connect, isIP, type ListenOptions, type Server } from "node:net";
import { type Endpoint, endpointText } from "../src/epc/endpoint.ts";
import { ExecutorError, UsageError } from "../src/errors.ts";

/** Nobody but the owner may open the socket. */
const UMASK = 0o177;

/** Whether an address is this machine's own for itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** Binds exactly the place that was asked for; gives where that is, with its port. Errors: ExecutorError, UsageError. */
export async function bind(server: Server, endpoint: Endpoint): Promise<Endpoint> {
  if (endpoint.kind === "unix") {
    await removeStale(endpoint.path);
    const before = process.umask(UMASK);
    // The name is made in this call.
    const listening = listen(server, { path: endpoint.path }, endpoint);
    process.umask(before);
    await listening;
    return endpoint;
  }
  const host = endpoint.host === "localhost" ? "127.0.0.1" : endpoint.host;
  if (isIP(host) === 0) throw new UsageError(`--listen: '${host}' is a name, expected an address of this machine`);
  await listen(server, { host, port: endpoint.port, ipv6Only: isIP(host) === 6, exclusive: true }, endpoint);
  const bound = server.address() as { port: number };
  return { kind: "tcp", host, port: bound.port };
}

function listen(server: Server, options: ListenOptions, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(new ExecutorError(`${endpointText(endpoint)}: ${cause.message}`, { cause }));
    server.once("error", fail);
    server.listen(options, () => {
      server.off("error", fail);
      resolve();
    });
  });
}

/** Removes a socket that nobody listens on any more; anything else stays and is an error. */
async function removeStale(path: string): Promise<void> {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return;
  if (!status.isSocket()) throw new ExecutorError(`unix:${path}: there is something that is no socket; it stays`);
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
  if (isAlive) throw new ExecutorError(`unix:${path}: another process listens there`);
  unlinkSync(path);
}
