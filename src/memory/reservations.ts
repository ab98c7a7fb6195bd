import { hex } from "../bytes/address.ts";
import { SlablinkError } from "../errors.ts";

interface Extent {
  readonly start: number;
  readonly size: number;
}

/** A mapper's reservations by address. */
export class Reservations<T extends Extent> {
  readonly #all: T[] = [];

  add(reservation: T): void {
    this.#all.push(reservation);
  }

  /** The reservation that starts at `base`. Errors: code "memory". */
  at(base: number): T {
    const found = this.#all.find((reservation) => reservation.start === base);
    if (!found) throw new SlablinkError("memory", `nothing is reserved at ${hex(base)}`);
    return found;
  }

  /** The reservation that holds [address, address + size), if there is one. */
  find(address: number, size: number): T | undefined {
    return this.#all.find(({ start, size: all }) => address >= start && address + size <= start + all);
  }

  /** The reservation that holds [address, address + size). Errors: code "memory". */
  holding(address: number, size: number): T {
    const found = this.find(address, size);
    if (!found) throw new SlablinkError("memory", `${hex(size)} bytes at ${hex(address)} lie in no reservation`);
    return found;
  }

  remove(base: number): T {
    const found = this.at(base);
    this.#all.splice(this.#all.indexOf(found), 1);
    return found;
  }

  /** All of them, which are forgotten. */
  clear(): T[] {
    return this.#all.splice(0);
  }
}
