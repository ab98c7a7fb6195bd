import { UsageError } from "../errors.ts";

/** Where an executor listens. */
export type Endpoint =
  | {
      /** A Unix domain socket. */
      readonly kind: "unix";
      /** Where it is in the file system. */
      readonly path: string;
    }
  | {
      /** TCP. */
      readonly kind: "tcp";
      /** A name or an address. */
      readonly host: string;
      /** From 1 to 65535. */
      readonly port: number;
    };

/** Bytes of sun_path, unix(7), without the null byte at its end. libuv shortens a longer path to these and says nothing. */
const LONGEST_PATH = 107;

/** `unix:PATH`, `tcp:HOST:PORT` or `tcp:[IPv6]:PORT`. Errors: UsageError naming `option`. */
export function parseEndpoint(text: string, option: string): Endpoint {
  if (text.startsWith("unix:") && text.length > 5) return { kind: "unix", path: checkedPath(text.slice(5), option) };
  const match = /^tcp:(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]]+)):([0-9]+)$/.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port <= 65535) return { kind: "tcp", host: (match[1] ?? match[2])!, port };
  throw new UsageError(`${option}: '${text}' is neither unix:PATH nor tcp:HOST:PORT (IPv6: tcp:[ADDRESS]:PORT)`);
}

function checkedPath(path: string, option: string): string {
  const size = Buffer.byteLength(path);
  if (size <= LONGEST_PATH) return path;
  throw new UsageError(`${option}: a Unix socket's path has ${LONGEST_PATH} bytes at most, '${path}' has ${size}`);
}

/** As it is written. */
export function endpointText(endpoint: Endpoint): string {
  if (endpoint.kind === "unix") return `unix:${endpoint.path}`;
  const { host, port } = endpoint;
  return host.includes(":") ? `tcp:[${host}]:${port}` : `tcp:${host}:${port}`;
}
