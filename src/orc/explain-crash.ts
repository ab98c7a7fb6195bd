import type { AddressRange } from "../bytes/address.ts";
import { reportCrash } from "../debug/crash-report.ts";
import { crashText } from "../debug/crash-text.ts";
import type { LinkedMemory } from "../debug/linked-code.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { type Crash, ExecutorError } from "../errors.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { Layout } from "../link/layout.ts";

/** A job whose code is or was about to be in the executor. */
export interface PlacedJob {
  readonly tables: GraphTables;
  /** Undefined until it has one. */
  readonly layout: Layout | undefined;
}

/** A session's jobs, and code that calls linked code for JavaScript. */
export interface CrashedCode {
  jobs(): Iterable<PlacedJob>;
  readonly callCode?: readonly AddressRange[];
}

/** What an executor told of its crash; undefined when it told nothing, or nothing that can be understood. */
export function explainCrash(epc: ExecutorProcessControl, code: CrashedCode): Crash | undefined {
  if (epc.crashMessage === undefined) return undefined;
  try {
    return reportCrash(epc.crashMessage, {
      linked: placed(code.jobs()),
      isLocal: epc.isLocal === true,
      entries: code.callCode,
    });
  } catch {
    return undefined;
  }
}

/** The error for a crash of the executor while it served requests: the same, with what the executor told before. */
export function withCrash(error: unknown, epc: ExecutorProcessControl, code: CrashedCode): unknown {
  const crash = error instanceof ExecutorError ? explainCrash(epc, code) : undefined;
  if (crash === undefined) return error;
  const [, ...frames] = crashText(crash);
  const message = [`${(error as Error).message}: ${crash.cause}`, ...frames].join("\n");
  const end = { ...(error as ExecutorError).end, crash };
  return new ExecutorError(message, { cause: error, end });
}

function* placed(jobs: Iterable<PlacedJob>): Generator<LinkedMemory> {
  for (const { tables, layout } of jobs) {
    if (layout === undefined) continue;
    const { stubs, code } = layout;
    yield { tables, stubs: { start: stubs, end: code.address + code.size } };
  }
}
