import { randomBytes } from "node:crypto";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SlablinkError } from "../errors.ts";
import { SlabMemory } from "../host/slab-memory.ts";
import { releaseRemoteSlab, reserveRemoteSlab } from "./remote-requests.ts";

const MARK_SIZE = 16;

/**
 * Has an executor open `memory` by `path`, with a mark in its last bytes that no other file has: a path under /proc means something
 * else on another machine or in another PID namespace.
 */
export async function withMark<T>(
  memory: SlabMemory,
  path: string,
  reserve: (backing: string) => Promise<T>,
): Promise<T> {
  const mark = randomBytes(MARK_SIZE);
  memory.write(memory.size - MARK_SIZE, mark);
  try {
    return await reserve(`mark:${mark.toString("hex")}:${path}`);
  } finally {
    memory.write(memory.size - MARK_SIZE, new Uint8Array(MARK_SIZE));
  }
}

/** Why an executor that somebody else has started cannot share memory with this process; undefined when it can. */
export async function whyNotShared(epc: ExecutorProcessControl): Promise<string | undefined> {
  const memory = new SlabMemory(epc.pageSize, undefined, null);
  try {
    const reserve = (backing: string) => reserveRemoteSlab(epc, memory.size, undefined, backing);
    const { start } = await withMark(memory, `/proc/${process.pid}/fd/${memory.fd}`, reserve);
    await releaseRemoteSlab(epc, start);
    return undefined;
  } catch (error) {
    if (!(error instanceof SlablinkError) || error.code !== "memory") throw error;
    return error.message.replace(/^.*slab reserve: /, "");
  } finally {
    memory.dispose();
  }
}
