import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

const SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;
const live = new Set<TemporaryDirectory>();

/** A private directory that is gone after `remove()`, and also when this process exits or is ended by a signal. */
export class TemporaryDirectory {
  readonly path: string;
  /** Ends whatever still works in the directory, before it is removed by a signal. */
  readonly #stop: () => void;

  constructor(prefix: string, stop: () => void = () => {}) {
    const { tmpdir } = process.getBuiltinModule("node:os");
    this.path = mkdtempSync(join(tmpdir(), prefix));
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
