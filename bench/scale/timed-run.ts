import { measure, type Run } from "../measure.ts";

/** Runs the words for at most `limit` seconds (then they end by SIGKILL: status 137) and measures them with all that they start. */
export function timedRun(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  directory: string,
  limit: number,
): Run {
  return measure({ words: ["/usr/bin/timeout", "-s", "KILL", `${limit}`, ...words], environment }, directory);
}
