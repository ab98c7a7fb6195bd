import type { ByteReader } from "../../bytes/byte-reader.ts";
import { FileArena } from "../../host/arena.ts";
import type { JITDylib } from "../jit-dylib.ts";
import type { MaterializationContext } from "../link-job.ts";
import type { LinkedJob } from "../linked-job.ts";
import { materialize } from "../materialize.ts";
import { hasBytes, inputsOf, type JobInputs, sameInputs } from "./job-inputs.ts";
import type { JobTemplate } from "./job-template.ts";
import { placeJob } from "./place-job.ts";
import { recordJob } from "./record-job.ts";

/** Jobs that have been linked once, for any number of executors that are started alike. */
export class JobTemplates {
  readonly #templates: JobTemplate[] = [];
  readonly #arena = new FileArena();
  readonly #placed: ByteReader[] = [];
  #isOpen = true;

  /** For one more session. */
  forSession(): JobCopies {
    return new JobCopies(this);
  }

  /** What a look-up of these inputs has linked. */
  find(inputs: JobInputs): JobTemplate | undefined {
    return this.#templates.find((each) => sameInputs(each.inputs, inputs));
  }

  /** Whether what is linked now is noted for others. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Notes what one session has linked. */
  add(template: JobTemplate): void {
    this.#templates.push(template);
  }

  /** Nothing more is noted: what sessions link from now on is each one's own affair. */
  seal(): void {
    this.#isOpen = false;
  }

  /**
   * An object that was made for one session, where all of them can read it: copies have the tables of the job that was linked. The same bytes
   * are placed once. undefined where nothing is noted any more.
   */
  place(bytes: Uint8Array, name: string): ByteReader | undefined {
    const known = this.#placed.find((reader) => reader.name === name && hasBytes(reader, bytes));
    if (known !== undefined || !this.#isOpen) return known;
    const reader = this.#arena.place(bytes, name);
    this.#placed.push(reader);
    return reader;
  }

  /** Forgets all that was linked, and gives back its contents; what sessions link from now on is new. */
  clear(): void {
    for (const { contents } of this.#templates.splice(0)) contents.dispose();
    this.#isOpen = true;
  }

  /** The sessions have ended. */
  dispose(): void {
    this.clear();
    this.#arena.dispose();
  }
}

/** The jobs of one session: copied where another one has linked the same before, linked and noted for the others where none has. */
export class JobCopies {
  readonly #templates: JobTemplates;

  constructor(templates: JobTemplates) {
    this.#templates = templates;
  }

  /** In place of `materialize`, with its errors. */
  async link(dylib: JITDylib, names: readonly string[], context: MaterializationContext): Promise<LinkedJob> {
    const inputs = isPlain(context) ? inputsOf(dylib, names) : undefined;
    const template = inputs && this.#templates.find(inputs);
    const copy = template && (await placeJob(template, context));
    if (copy !== undefined) {
      dylib.pending.length = 0;
      return copy;
    }
    if (inputs === undefined || template !== undefined || !this.#templates.isOpen)
      return materialize(dylib, names, context);
    const recorded = await recordJob(dylib, names, inputs, context);
    if (recorded.template !== undefined) this.#templates.add(recorded.template);
    return recorded.job;
  }
}

/** Nothing but the JITDylib and an executor decides what becomes of the job. */
function isPlain({ epc, objects, aliases, weakNames, plugins, interposition }: MaterializationContext): boolean {
  const others = [objects, aliases, weakNames, plugins, interposition];
  return epc.kind === "remote" && others.every((other) => other === undefined);
}
