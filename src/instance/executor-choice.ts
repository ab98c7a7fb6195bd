import { type Endpoint, parseEndpoint } from "../epc/endpoint.ts";
import type { Reach } from "../epc/reach.ts";

/**
 * Which process runs the code: the path of an executor program; a command whose standard input and output lead to one
 * (`ssh HOST slablink-executor --stdio`); a place where one listens (`unix:PATH`, `tcp:HOST:PORT` with the secret shared with it).
 */
export type ExecutorChoice =
  | string
  | {
      /** An executor program. */
      readonly path: string;
    }
  | {
      /** Run by a shell. */
      readonly command: string;
    }
  | {
      /** `unix:PATH` or `tcp:HOST:PORT`. */
      readonly connect: string;
      /** Needed over TCP. */
      readonly secret?: string | Uint8Array;
    };

/** What a choice means for starting or reaching an executor. Errors: UsageError for a place that is none. */
export function resolveExecutor(choice: ExecutorChoice | undefined): { executorPath?: string; reach?: Reach } {
  if (choice === undefined) return {};
  if (typeof choice === "string") return { executorPath: choice };
  if ("path" in choice) return { executorPath: choice.path };
  if ("command" in choice) return { reach: { command: choice.command } };
  const endpoint: Endpoint = parseEndpoint(choice.connect, "connect");
  const { secret } = choice;
  return { reach: { endpoint, secret: typeof secret === "string" ? Buffer.from(secret) : secret } };
}
