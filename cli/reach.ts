import type { Endpoint } from "../src/epc/endpoint.ts";
import type { Reach } from "../src/epc/reach.ts";
import { readSecret } from "./secret.ts";

/** What `--executor-command` or `--connect` means, with the secret that a TCP connection needs. Errors: UsageError about the secret. */
export function reachOf(
  command: string | undefined,
  endpoint: Endpoint | undefined,
  secretFile: string | undefined,
): Reach {
  if (command !== undefined) return { command };
  return { endpoint: endpoint!, secret: endpoint!.kind === "tcp" ? readSecret(secretFile) : undefined };
}
