import type { AddressRange } from "../../bytes/address.ts";
import type { ExecutorProcessControl, ImageLoad, LoadedImage } from "../../epc/executor-process-control.ts";
import { SlabMemory } from "../../host/slab-memory.ts";
import type { AllocationRequest, InFlightAlloc, JITLinkMemoryManager } from "../../memory/jitlink-memory-manager.ts";
import type { WorkingMemory } from "../../memory/memory-mapper.ts";
import type { JITDylib } from "../jit-dylib.ts";
import type { MaterializationContext } from "../link-job.ts";
import type { LinkedJob } from "../linked-job.ts";
import { materialize } from "../materialize.ts";
import type { JobInputs } from "./job-inputs.ts";
import type { Answers, JobTemplate } from "./job-template.ts";
import { fromTemplate } from "./template-segments.ts";

/** A job and, unless it did something that cannot be repeated elsewhere, what makes it there again. */
export interface RecordedJob {
  readonly job: LinkedJob;
  readonly template: JobTemplate | undefined;
}

/** Links a job as ever, and notes what goes to the executor and what comes back. Errors: as of `materialize`. */
export async function recordJob(
  dylib: JITDylib,
  names: readonly string[],
  inputs: JobInputs,
  context: MaterializationContext,
): Promise<RecordedJob> {
  const recorder = new Recorder(context);
  try {
    const job = await materialize(dylib, names, { ...context, ...recorder.target });
    // Its tables are about to be used by others: they must not go with it.
    job.settle(true);
    return { job, template: recorder.finish(inputs, job) };
  } finally {
    recorder.close();
  }
}

/** Stands between a link job and its executor. */
class Recorder {
  readonly target: Pick<MaterializationContext, "epc" | "memoryManager">;
  readonly #process = new AnswerList();
  readonly #scope = new AnswerList();
  #allocation: { request: AllocationRequest; address: number } | undefined;
  #image: { load: ImageLoad; loaded: LoadedImage; file: AddressRange } | undefined;
  #finalized: Pick<JobTemplate, "segments" | "actions" | "ranges" | "contents"> | undefined;
  /** Something was asked for that a copy would not ask for in the same way. */
  #isOdd = false;

  constructor({ epc, memoryManager }: MaterializationContext) {
    this.target = { epc: this.#watchExecutor(epc), memoryManager: this.#watchMemory(memoryManager) };
  }

  finish(inputs: JobInputs, job: LinkedJob): JobTemplate | undefined {
    const [allocation, image, finalized] = [this.#allocation, this.#image, this.#finalized];
    if (this.#isOdd || allocation === undefined || image === undefined || finalized === undefined) return undefined;
    this.#finalized = undefined;
    const { bytes: _bytes, source: _source, sourceSize: _size, ...load } = image.load;
    return {
      inputs,
      job,
      ...allocation,
      process: this.#process.answers(),
      scope: this.#scope.answers(),
      image: load,
      imageFile: image.file,
      results: image.loaded.results,
      ...finalized,
    };
  }

  /** Gives back what no template holds. */
  close(): void {
    this.#finalized?.contents.dispose();
  }

  #watchExecutor(epc: ExecutorProcessControl): ExecutorProcessControl {
    const watched: Pick<ExecutorProcessControl, "resolve" | "loadImage" | "openLibrary"> = {
      resolve: async (handle, names) => {
        const addresses = await epc.resolve(handle, names);
        if (handle === 0) this.#process.add(names, addresses);
        else if (handle === this.#image?.loaded.handle) this.#scope.add(names, addresses);
        else this.#isOdd = true;
        return addresses;
      },
      loadImage: async (load) => {
        const loaded = await epc.loadImage(load);
        const start = load.source ?? load.start;
        this.#image = { load, loaded, file: { start, end: start + (load.sourceSize ?? load.bytes?.length ?? 0) } };
        return loaded;
      },
      openLibrary: async (path) => {
        this.#isOdd = true;
        return epc.openLibrary(path);
      },
    };
    return new Proxy(epc, {
      get(target, key) {
        if (key in watched) return watched[key as keyof typeof watched];
        const value = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  #watchMemory(manager: JITLinkMemoryManager): JITLinkMemoryManager {
    return {
      pageSize: manager.pageSize,
      perObject: manager.perObject,
      mapper: manager.mapper,
      deallocate: (allocs, meanwhile) => manager.deallocate(allocs, meanwhile),
      allocate: async (request) => {
        const alloc = await manager.allocate(request);
        if (this.#allocation !== undefined || manager.perObject === true) this.#isOdd = true;
        this.#allocation = { request, address: alloc.address };
        return this.#watchAllocation(alloc, manager);
      },
    };
  }

  #watchAllocation(alloc: InFlightAlloc, { mapper }: JITLinkMemoryManager): InFlightAlloc {
    const { address, size, memory } = alloc;
    return {
      address,
      size,
      memory,
      abandon: () => alloc.abandon(),
      finalize: async (segments, actions) => {
        const parts = segments.map(({ address: start, contentSize }) => ({ start, end: start + contentSize }));
        const ranges = [this.#image?.file ?? { start: address, end: address }, ...parts].filter(
          ({ start, end }) => end > start,
        );
        if (this.#isOdd) return alloc.finalize(segments, actions);
        const contents = takeContents(memory, address, ranges);
        this.#finalized = { segments, actions, ranges, contents };
        // What is in the template need not be written once more for this executor.
        const isMapped = (await mapper?.useTemplate?.(address, contents)) === true;
        return alloc.finalize(isMapped ? fromTemplate(segments) : segments, actions);
      },
    };
  }
}

class AnswerList {
  readonly #names: string[] = [];
  readonly #addresses: number[] = [];

  add(names: readonly string[], addresses: Float64Array): void {
    for (const [i, name] of names.entries()) {
      this.#names.push(name);
      this.#addresses.push(addresses[i]!);
    }
  }

  answers(): Answers {
    return { names: this.#names, addresses: Float64Array.from(this.#addresses) };
  }
}

/** In a file of their own: written so, 48 MB take 12 ms, touched page by page several times that. */
function takeContents(memory: WorkingMemory, address: number, ranges: readonly AddressRange[]): SlabMemory {
  const end = ranges.reduce((last, range) => Math.max(last, range.end), address + 1);
  const contents = new SlabMemory(end - address, undefined, null);
  try {
    for (const range of ranges) {
      contents.write(range.start - address, memory.bytes.subarray(range.start - memory.base, range.end - memory.base));
    }
    return contents;
  } catch (error) {
    contents.dispose();
    throw error;
  }
}
