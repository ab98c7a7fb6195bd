import { UsageError } from "../errors.ts";
import type { JITDylib } from "./jit-dylib.ts";

/** How code is taken out. */
export interface RemoveOptions {
  /** Also when code that stays refers to it; that code must not use it any more. */
  readonly force?: boolean;
}

/** Who takes out what belongs to a tracker: the session. */
export interface TrackerOwner {
  removeTracker(tracker: ResourceTracker, options: RemoveOptions): Promise<void>;
  transferTracker(from: ResourceTracker, to: ResourceTracker): Promise<void>;
}

/**
 * Stands for some objects of a JITDylib, so that they can be taken out of the executor by themselves (LLVM's ResourceTracker).
 * Made by `JITDylib.createResourceTracker`.
 */
export class ResourceTracker {
  /** Whose objects it tracks. */
  readonly dylib: JITDylib;
  #isRemoved = false;

  constructor(dylib: JITDylib) {
    this.dylib = dylib;
  }

  /** Nothing can be added under it any more. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /**
   * Takes its code and data out of the executor and its symbols out of the JITDylib, which can be defined again then; what has not
   * been linked yet is forgotten. Waits for look-ups that concern the JITDylib. No destructor runs. Objects of several trackers that
   * need each other in a circle have one block of memory, which is given back with the last of them. Removing it twice does nothing.
   * Errors: StillReferencedError, with nothing changed, when code that stays refers to it, unless `force` is set.
   */
  async remove(options: RemoveOptions = {}): Promise<void> {
    if (this.#isRemoved) return;
    await this.#owner.removeTracker(this, options);
    if (!this.isDefault) this.#isRemoved = true;
  }

  /** Gives all that belongs to it to another tracker of the same JITDylib. Errors: UsageError for one of another JITDylib. */
  async transferTo(other: ResourceTracker): Promise<void> {
    if (other.dylib !== this.dylib) {
      throw new UsageError(
        `the trackers are of the JITDylibs ${this.dylib.name} and ${other.dylib.name}, expected one`,
      );
    }
    if (other.isRemoved || this.#isRemoved) throw new UsageError("a tracker that has been removed holds nothing");
    if (other !== this) await this.#owner.transferTracker(this, other);
  }

  /** It is the one that objects without a tracker belong to. */
  get isDefault(): boolean {
    return this.dylib.defaultResourceTracker === this;
  }

  get #owner(): TrackerOwner {
    const { owner } = this.dylib;
    if (owner === undefined) throw new UsageError(`the JITDylib ${this.dylib.name} is part of no session`);
    return owner;
  }
}
