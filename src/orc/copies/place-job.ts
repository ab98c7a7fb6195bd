import { SlablinkError } from "../../errors.ts";
import type { InFlightAlloc } from "../../memory/jitlink-memory-manager.ts";
import type { MaterializationContext } from "../link-job.ts";
import type { LinkedJob } from "../materialize.ts";
import type { Answers, JobTemplate } from "./job-template.ts";

/**
 * Places a recorded job in another executor, byte for byte. undefined, with everything given back, where that executor is not like the first:
 * other memory is free there, or a name has another address.
 */
export async function placeJob(template: JobTemplate, context: MaterializationContext): Promise<LinkedJob | undefined> {
  const { epc, memoryManager, openedLibraries } = context;
  const { image, job } = template;
  let alloc: InFlightAlloc | undefined;
  let handle = 0;
  try {
    const answering = answersAlike(context, 0, template.process);
    answering.catch(() => {}); // awaited below
    alloc = await memoryManager.allocate(template.request);
    if (alloc.address === template.address) {
      fill(alloc, template);
      if (await answering) {
        const loaded = await epc.loadImage({ ...image, ...imageFile(alloc, template, context.sharedMemory) });
        handle = loaded.handle;
        const isAlike = sameWords(loaded.results, template.results);
        if (isAlike && (await answersAlike(context, handle, template.scope))) {
          const finalizing = alloc;
          alloc = undefined;
          const finalized = await finalizing.finalize(template.segments, template.actions);
          for (const library of job.libraries) openedLibraries.set(library, 0);
          return job.copy(finalized, handle);
        }
      }
    }
  } catch (error) {
    // Linking it there will say what is wrong in its own words.
    if (!(error instanceof SlablinkError)) throw error;
  }
  await giveBack(context, handle, alloc);
  return undefined;
}

async function giveBack({ epc }: MaterializationContext, image: number, alloc?: InFlightAlloc): Promise<void> {
  try {
    if (image !== 0) await epc.unloadImage(image);
    await alloc?.abandon();
  } catch {
    // The executor is gone, and all it held with it.
  }
}

async function answersAlike(
  { epc }: MaterializationContext,
  handle: number,
  { names, addresses }: Answers,
): Promise<boolean> {
  return names.length === 0 || sameWords(await epc.resolve(handle, names), addresses);
}

function sameWords(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}

function fill({ memory }: InFlightAlloc, { address, ranges, contents }: JobTemplate): void {
  for (const { start, end } of ranges) {
    const { bytes, offset } = contents.window(start - address, end - start);
    const from = start - address - offset;
    memory.bytes.set(bytes.subarray(from, from + end - start), start - memory.base);
  }
}

/** Where the executor finds the image's file: in the slab, or in the request. */
function imageFile(
  { memory }: InFlightAlloc,
  { imageFile: { start, end } }: JobTemplate,
  isShared: boolean,
): { source: number; sourceSize: number } | { bytes: Uint8Array } {
  if (!isShared) return { bytes: memory.bytes.slice(start - memory.base, end - memory.base) };
  memory.publish?.(start, end - start);
  return { source: start, sourceSize: end - start };
}
