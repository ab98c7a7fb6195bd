import { createHash } from "node:crypto";
import type { ByteReader } from "../../src/bytes/byte-reader.ts";
import { SlablinkError } from "../../src/errors.ts";
import { FileArena } from "../../src/host/arena.ts";
import { switchKernel } from "../../src/kernel/kernel.ts";
import { linkPlainly, type PlainJob, type PlainJobOptions } from "../link/plain-job.ts";

/** What became of a link: the error, or what lies in memory, with counts, addresses and the objects in their order. */
export async function outcome(inputs: readonly (string | ByteReader)[], options: PlainJobOptions): Promise<string> {
  let plain: PlainJob;
  try {
    plain = await linkPlainly(inputs, options);
  } catch (error) {
    if (error instanceof SlablinkError) return error.message;
    return (error as Error).stack ?? String(error);
  }
  const { job, segments } = plain;
  const { layout, counts } = job;
  const start = layout.header.address - plain.memory.base;
  const contents = plain.memory.bytes.subarray(start, start + layout.contentSize);
  const hash = createHash("sha256").update(contents).digest("hex");
  const names = [...job.names()].sort().map((name) => `${name} ${job.address(name)}`);
  const addresses = createHash("sha256").update(names.join("\n")).digest("hex");
  // Of what the kernel has taken the file is looked at only here: it must be what it seemed.
  const objects = job.tables.graphs.map(({ name }) => name);
  plain.release();
  return JSON.stringify({ hash, segments, counts, addresses, tls: layout.tls, objects });
}

/** Whether an outcome is that of a job that was linked. */
export function isLinked(result: string): boolean {
  return result.startsWith("{");
}

/** With the kernel, on `threads` threads. */
export async function withKernel(
  inputs: readonly (string | ByteReader)[],
  options: PlainJobOptions,
  threads = 1,
): Promise<string> {
  using arena = new FileArena();
  return await outcome(inputs, { ...options, arena, threads });
}

/** By TypeScript alone. */
export async function withoutKernel(
  inputs: readonly (string | ByteReader)[],
  options: PlainJobOptions,
): Promise<string> {
  switchKernel(false);
  try {
    return await outcome(inputs, options);
  } finally {
    switchKernel(true);
  }
}
