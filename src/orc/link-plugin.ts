import type { EditableObject } from "../formats/elf/edit-object.ts";
import type { GeneratedObject } from "./definition-generator.ts";
import type { JobGraph } from "./job-graph.ts";

/** The job that a plugin is called for. */
export interface PluginJob {
  /** Name of the JITDylib that it is linked for. */
  readonly dylib: string;
  /**
   * Adds an object to the job, from `prePrune`. Other plugins see it as any other object, the one that adds it does not: it could
   * not tell its own code from what it is to change.
   */
  addObject(object: GeneratedObject): void;
}

/**
 * Sees and changes what is linked, between the passes of a link job (LLVM's ObjectLinkingLayer::Plugin, with its names of passes).
 * All passes are called in this process while the job waits: they must not return Promises. An error that one throws fails the job.
 */
export interface LinkPlugin {
  /** For errors. */
  readonly name: string;
  /** An object or a member of an archive is about to be read: everything about it can be changed. */
  prePrune?(object: EditableObject, job: PluginJob): void;
  /** All objects of the job are known, and who defines which name. */
  postPrune?(graphs: readonly JobGraph[], job: PluginJob): void;
  /** Sections and symbols have addresses in the executor. */
  postAllocation?(graphs: readonly JobGraph[], job: PluginJob): void;
  /**
   * Contents are in working memory, and can be written to; relocations are about to be applied. Called a second time in the rare job
   * whose relocations are applied twice, with the contents as they were at first.
   */
  preFixup?(graphs: readonly JobGraph[], job: PluginJob): void;
  /** Contents are as they will run, and can be written to for the last time. */
  postFixup?(graphs: readonly JobGraph[], job: PluginJob): void;
}
