import type { AddressRange } from "../../bytes/address.ts";
import type { AllocActionPair, ImageLoad } from "../../epc/executor-process-control.ts";
import type { SlabMemory } from "../../host/slab-memory.ts";
import type { AllocationRequest } from "../../memory/jitlink-memory-manager.ts";
import type { Segment } from "../../memory/memory-mapper.ts";
import type { LinkedJob } from "../linked-job.ts";
import type { JobInputs } from "./job-inputs.ts";

/** What a process was asked for names, and what it answered. */
export interface Answers {
  readonly names: readonly string[];
  readonly addresses: Float64Array;
}

/**
 * A link job as it was when it was finalized: all that another executor has to be given, and what that one has to answer for the bytes to be
 * right there too. Contents are taken before the finalize actions and the program's own code change them.
 */
export interface JobTemplate {
  readonly inputs: JobInputs;
  /** Settled, for `copy`. */
  readonly job: LinkedJob;
  readonly request: AllocationRequest;
  readonly address: number;
  /** Of the process, before the image is loaded, and in the image's scope, afterwards. */
  readonly process: Answers;
  readonly scope: Answers;
  /** The image, without its file, and where that lies among the contents. */
  readonly image: Omit<ImageLoad, "bytes" | "source" | "sourceSize">;
  readonly imageFile: AddressRange;
  /** What the loader has filled in. */
  readonly results: Float64Array;
  readonly segments: readonly Segment[];
  readonly actions: readonly AllocActionPair[];
  /** Runs of contents, by their addresses; the byte for address a is at a − `address` of `contents`. */
  readonly ranges: readonly AddressRange[];
  readonly contents: SlabMemory;
}
