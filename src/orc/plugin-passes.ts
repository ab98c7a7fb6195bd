import { ByteReader } from "../bytes/byte-reader.ts";
import { LinkError } from "../errors.ts";
import { EditableObject } from "../formats/elf/edit-object.ts";
import type { GeneratedObject } from "./definition-generator.ts";
import { JobGraph, type JobStage } from "./job-graph.ts";
import type { JobPlugins, LinkJob } from "./link-job.ts";
import type { LinkPlugin, PluginJob } from "./link-plugin.ts";

/** The plugins of a session, at work on one job. */
export class PluginPasses implements JobPlugins {
  readonly #plugins: readonly LinkPlugin[];
  readonly #dylib: string;
  #added: { readonly reader: ByteReader; readonly by: LinkPlugin }[] = [];

  constructor(plugins: readonly LinkPlugin[], dylib: string) {
    this.#plugins = plugins;
    this.#dylib = dylib;
  }

  rewrite(reader: ByteReader): ByteReader {
    return this.#rewrite(reader, undefined);
  }

  takeAdded(): readonly ByteReader[] {
    const added = this.#added;
    this.#added = [];
    return added.map(({ reader, by }) => this.#rewrite(reader, by));
  }

  run(stage: JobStage, job: LinkJob): void {
    let graphs: readonly JobGraph[] | undefined;
    for (const plugin of this.#plugins) {
      if (plugin[stage] === undefined) continue;
      graphs ??= job.tables.graphs.map((graph) => new JobGraph(job, graph, stage));
      const all = graphs;
      this.#call(plugin, `${stage} of ${this.#dylib}`, () => plugin[stage]!(all, this.#jobFor(plugin)));
    }
  }

  #rewrite(reader: ByteReader, by: LinkPlugin | undefined): ByteReader {
    let object: EditableObject | undefined;
    for (const plugin of this.#plugins) {
      if (plugin.prePrune === undefined || plugin === by) continue;
      object ??= new EditableObject(reader);
      const edited = object;
      this.#call(plugin, reader.name, () => plugin.prePrune!(edited, this.#jobFor(plugin)));
    }
    return object?.isChanged === true ? ByteReader.of(object.write(), reader.name) : reader;
  }

  #jobFor(plugin: LinkPlugin): PluginJob {
    const addObject = (object: GeneratedObject): void => {
      const reader = object instanceof ByteReader ? object : ByteReader.of(object.bytes, object.name);
      this.#added.push({ reader, by: plugin });
    };
    return { dylib: this.#dylib, addObject };
  }

  /** What a plugin throws fails the job, with the plugin's name and what it was looking at. */
  #call(plugin: LinkPlugin, what: string, call: () => unknown): void {
    let result: unknown;
    try {
      result = call();
    } catch (error) {
      throw new LinkError("link", `plugin ${plugin.name}: ${what}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new LinkError("link", `plugin ${plugin.name}: ${what}: gives a Promise, and the job does not wait`);
    }
  }
}
