import { type AddressRange, alignUp } from "../bytes/address.ts";
import { MAX_SLAB_SIZE } from "../host/slab-memory.ts";
import { type Layout, PAGE } from "../link/layout.ts";
import type { LinkJob } from "./link-job.ts";

/** Whether an executor is to map the job's data so that this process sees what becomes of it. */
export function sharesData({ context }: LinkJob): boolean {
  return context.sharedData === true && context.sharedMemory && context.epc.kind === "remote";
}

/**
 * Where the part of a layout ends that the slab's file holds when data is shared: all zero-fill, or none of it where a file cannot be
 * that large. Before the layout is placed that is an offset.
 */
export function sharedEnd({ header, data, size }: Layout): number {
  return size <= MAX_SLAB_SIZE ? header.address + size : alignUp(data.address + data.size, PAGE);
}

/** Whole pages of a linked job's data that this process sees as the program does; undefined where it does not. */
export function visibleData(job: LinkJob): AddressRange | undefined {
  const { data, header, size } = job.layout;
  const isHere = job.context.epc.kind === "in-process";
  if (!isHere && !sharesData(job)) return undefined;
  const end = isHere ? header.address + size : sharedEnd(job.layout);
  return end > data.address ? { start: data.address, end } : undefined;
}
