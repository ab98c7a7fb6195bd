import type { AddressRange } from "../../bytes/address.ts";
import { SlablinkError } from "../../errors.ts";
import type { AllocationRequest, InFlightAlloc, JITLinkMemoryManager } from "../../memory/jitlink-memory-manager.ts";
import type { MaterializationContext } from "../link-job.ts";
import type { LinkedJob } from "../linked-job.ts";
import type { Answers, JobTemplate } from "./job-template.ts";
import { fromTemplate, isCommon } from "./template-segments.ts";

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
    alloc = await memoryManager.allocate(requestOf(template, memoryManager));
    if (alloc.address === template.address) {
      const isMapped = (await memoryManager.mapper?.useTemplate?.(template.address, template.contents)) === true;
      fill(alloc, isMapped ? writtenRanges(template) : template.ranges, template, memoryManager);
      if (await answering) {
        const loaded = await epc.loadImage({ ...image, ...imageFile(template, context.sharedMemory) });
        handle = loaded.handle;
        const isAlike = sameWords(loaded.results, template.results);
        if (isAlike && (await answersAlike(context, handle, template.scope))) {
          const finalizing = alloc;
          alloc = undefined;
          const finalized = await finalizing.finalize(
            isMapped ? fromTemplate(template.segments) : template.segments,
            template.actions,
          );
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

/** Contents are written to the slab past working memory where that is possible: it is copied byte by byte, as memory that threads share. */
function fill(
  { memory }: InFlightAlloc,
  ranges: readonly AddressRange[],
  template: JobTemplate,
  { mapper }: JITLinkMemoryManager,
): void {
  for (const range of ranges) {
    const bytes = contentsOf(template, range);
    if (mapper?.fill !== undefined) mapper.fill(range.start, bytes);
    else memory.bytes.set(bytes, range.start - memory.base);
  }
}

/** What executors with the same code have for themselves: the image's file and data. All else is mapped from the template's. */
function writtenRanges({ ranges, segments }: JobTemplate): AddressRange[] {
  const shared = new Set(segments.filter(isCommon).map(({ address }) => address));
  return ranges.filter(({ start }) => !shared.has(start));
}

/** No more working memory than has to be, if it is not filled. */
function requestOf({ request }: JobTemplate, { mapper, pageSize }: JITLinkMemoryManager): AllocationRequest {
  if (mapper?.fill === undefined) return request;
  const { contentSize = request.size, backedSize = contentSize } = request;
  return { ...request, contentSize: pageSize, backedSize };
}

/** Where the executor finds the image's file: in the slab, or in the request. */
function imageFile(
  template: JobTemplate,
  isShared: boolean,
): { source: number; sourceSize: number } | { bytes: Uint8Array } {
  const { start, end } = template.imageFile;
  return isShared
    ? { source: start, sourceSize: end - start }
    : { bytes: contentsOf(template, template.imageFile).slice() };
}

function contentsOf({ address, contents }: JobTemplate, { start, end }: AddressRange): Uint8Array {
  const { bytes, offset } = contents.window(start - address, end - start);
  return bytes.subarray(start - address - offset, end - address - offset);
}
