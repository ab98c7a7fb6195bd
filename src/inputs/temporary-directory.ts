import { mkdtempSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { SlablinkError } from "../errors.ts";
import { systemReason } from "../host/system-error.ts";

const SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;
/** Where node:os looks for the place of temporary files, in its order. */
const VARIABLES = ["TMPDIR", "TMP", "TEMP"];
const live = new Set<TemporaryDirectory>();

/** A private directory that is gone after `remove()`, and also when this process exits or is ended by a signal. */
export class TemporaryDirectory {
  readonly path: string;
  /** Ends whatever still works in the directory, before it is removed by a signal. */
  readonly #stop: () => void;

  /** `purpose`: what it is for, to begin an error with. Errors: code "file", when none can be made. */
  constructor(prefix: string, purpose: string, stop: () => void = () => {}) {
    this.path = makeTemporaryDirectory(prefix, purpose);
    this.#stop = stop;
    if (live.size === 0) watch(true);
    live.add(this);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
    live.delete(this);
    if (live.size === 0) watch(false);
  }

  /** @internal */
  abandon(): void {
    this.#stop();
    this.remove();
  }
}

/** Makes a private directory and gives its whole path. Errors: code "file", naming `purpose`, the place and who says that it is there. */
export function makeTemporaryDirectory(prefix: string, purpose: string): string {
  const place = process.getBuiltinModule("node:os").tmpdir();
  try {
    return mkdtempSync(resolve(place, prefix));
  } catch (cause) {
    const variable = VARIABLES.find((name) => process.env[name]);
    const where = variable === undefined ? place : `${place} (${variable})`;
    const text = `${purpose}: no temporary directory can be made in ${where}: ${systemReason(cause)}`;
    throw new SlablinkError("file", text, { cause });
  }
}

/** The listeners exist only as long as a directory does: a listener takes a signal's default action away. */
function watch(on: boolean): void {
  const set = on ? "on" : "off";
  process[set]("exit", abandonAll);
  for (const signal of SIGNALS) process[set](signal, endBySignal);
}

function abandonAll(): void {
  for (const directory of [...live]) directory.abandon();
}

function endBySignal(signal: NodeJS.Signals): void {
  abandonAll();
  // Without our listener the signal has its usual effect again, unless somebody else handles it.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}
