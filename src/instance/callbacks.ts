import type { CallLayout } from "../signature/call-layout.ts";
import { callLayout } from "../signature/call-layout.ts";
import { kindError } from "../signature/integer-codec.ts";
import type { FunctionType } from "../signature/value-type.ts";
import type { Shims } from "./shims.ts";

/** What a call channel gives a number for thunks (src/calls). */
interface ImportRegistry {
  addImport(layout: CallLayout, handler: (...values: unknown[]) => unknown): number;
}

type Handler = (...values: unknown[]) => unknown;

/** A native function that calls a JavaScript one, as long as it is held. */
export interface Callback {
  /** In the process that runs the code. */
  readonly address: number;
  /** The address may be another function's afterwards. Once more does nothing. */
  release(): void;
}

/** A thunk, and the function it stands for at the moment. */
interface Slot {
  address: number;
  handler: Handler | undefined;
}

/** Native functions for JavaScript functions that are passed as arguments; their thunks are used again. */
export class Callbacks {
  readonly #imports: ImportRegistry;
  readonly #shims: Shims;
  readonly #free = new Map<CallLayout, Slot[]>();

  constructor(imports: ImportRegistry, shims: Shims) {
    this.#imports = imports;
    this.#shims = shims;
  }

  /** A Promise only where thunks have to be linked. Errors: TypeError for a handler that is no function. */
  hold(handler: Handler, { signature }: FunctionType): Callback | Promise<Callback> {
    if (typeof handler !== "function") throw kindError(handler, "a function", () => "callback: argument 2");
    const layout = callLayout(signature);
    const slot = this.#free.get(layout)?.pop();
    if (slot !== undefined) return this.#bind(slot, handler, layout);
    const made: Slot = { address: 0, handler: undefined };
    const name = signature.name ?? "a function that was passed to native code";
    const id = this.#imports.addImport(layout, (...values) => {
      if (made.handler !== undefined) return made.handler(...values);
      throw new Error(
        `${name} was called after the call that it was passed to; instance.callback makes one that stays`,
      );
    });
    const address = this.#shims.thunk(layout, id);
    const bind = (found: number): Callback => {
      made.address = found;
      return this.#bind(made, handler, layout);
    };
    return typeof address === "number" ? bind(address) : address.then(bind);
  }

  #bind(slot: Slot, handler: Handler, layout: CallLayout): Callback {
    slot.handler = handler;
    // Not told by the slot's handler: one function may be held twice, the second time in the place that the first has left.
    let isReleased = false;
    return {
      address: slot.address,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        slot.handler = undefined;
        const free = this.#free.get(layout);
        if (free === undefined) this.#free.set(layout, [slot]);
        else free.push(slot);
      },
    };
  }
}
