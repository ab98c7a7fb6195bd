import { hex } from "../bytes/address.ts";
import type { ExecutorMemory } from "./executor-memory.ts";
import { byteSizeOf, makeArray, type TypedArrayConstructor, type TypedArrayOf } from "./typed-array.ts";

type Element<C extends TypedArrayConstructor> = TypedArrayOf<C>[number];

/**
 * Stands for a typed array whose memory is not shared with this process: elements by index and the usual methods, each of them a read or a write
 * of the executor's memory. `read` and `write` move many at once. Of an executor that this process has not started nothing can be read without
 * waiting: then all but those two throw an ExecutorError that says so. It is no `Float64Array` to functions that want one, nor to `Atomics`.
 */
export class RemoteArray<C extends TypedArrayConstructor> {
  [index: number]: Element<C>;
  /** Elements. */
  readonly length: number;
  /** Bytes. */
  readonly byteLength: number;
  /** Bytes of an element. */
  readonly BYTES_PER_ELEMENT: number;
  /** In the executor. */
  readonly address: number;
  readonly #type: C;
  readonly #memory: ExecutorMemory;

  /** Use `makeRemoteArray`, which gives it its elements. */
  constructor(memory: ExecutorMemory, address: number, type: C, length: number) {
    this.byteLength = byteSizeOf(type, length);
    this.length = length;
    this.BYTES_PER_ELEMENT = type.BYTES_PER_ELEMENT;
    this.address = address;
    this.#type = type;
    this.#memory = memory;
  }

  /** Elements [start, end) as an array of this process's; all by default. */
  async read(start = 0, end = this.length): Promise<TypedArrayOf<C>> {
    const [first, count] = this.#part(start, end);
    return this.#copy(await this.#memory.readAsync(this.#at(first), count * this.BYTES_PER_ELEMENT));
  }

  /** Writes values from element `offset` on. Errors: RangeError when they do not fit. */
  async write(values: ArrayLike<Element<C>>, offset = 0): Promise<void> {
    await this.#memory.writeAsync(this.#at(offset), this.#bytes(values, offset));
  }

  /** As of a typed array; negative positions count from the end. */
  at(index: number): Element<C> | undefined {
    return this.element(index < 0 ? index + this.length : index);
  }

  /** Errors: RangeError when the values do not fit. */
  set(values: ArrayLike<Element<C>>, offset = 0): void {
    this.#memory.write(this.#at(offset), this.#bytes(values, offset));
  }

  /** The same memory, fewer elements. */
  subarray(start = 0, end = this.length): RemoteArray<C> {
    const [first, count] = this.#part(start, end);
    return makeRemoteArray(this.#memory, this.#at(first), this.#type, count);
  }

  /** A copy, an array of this process's. */
  slice(start = 0, end = this.length): TypedArrayOf<C> {
    const [first, count] = this.#part(start, end);
    return this.#copy(this.#memory.read(this.#at(first), count * this.BYTES_PER_ELEMENT));
  }

  /** Sets the elements from `start` to `end` to one value. */
  fill(value: Element<C>, start = 0, end = this.length): this {
    const [first, count] = this.#part(start, end);
    const values = makeArray(this.#type, new ArrayBuffer(count * this.BYTES_PER_ELEMENT), 0, count);
    (values as { fill(value: Element<C>): void }).fill(value);
    this.set(values as ArrayLike<Element<C>>, first);
    return this;
  }

  /** The elements as they were when the iteration began. */
  [Symbol.iterator](): IterableIterator<Element<C>> {
    return (this.slice() as Iterable<Element<C>>)[Symbol.iterator]() as IterableIterator<Element<C>>;
  }

  /** @internal What `array[index]` is. */
  element(index: number): Element<C> | undefined {
    return index >= 0 && index < this.length ? this.slice(index, index + 1)[0] : undefined;
  }

  /** @internal What `array[index] = value` does: nothing outside of the array, as for a typed array. */
  setElement(index: number, value: Element<C>): void {
    if (index >= 0 && index < this.length) this.set([value], index);
  }

  #at(index: number): number {
    return this.address + index * this.BYTES_PER_ELEMENT;
  }

  /** First element and number of elements, as typed arrays' methods understand their arguments. */
  #part(start: number, end: number): [number, number] {
    const limit = (index: number) => Math.max(0, Math.min(index < 0 ? index + this.length : index, this.length));
    const first = limit(Math.trunc(start));
    return [first, Math.max(0, limit(Math.trunc(end)) - first)];
  }

  #copy(bytes: Uint8Array): TypedArrayOf<C> {
    return makeArray(this.#type, bytes.buffer, bytes.byteOffset, bytes.length / this.BYTES_PER_ELEMENT);
  }

  #bytes(values: ArrayLike<Element<C>>, offset: number): Uint8Array {
    if (!(Number.isInteger(offset) && offset >= 0 && offset + values.length <= this.length)) {
      throw new RangeError(`${values.length} values from ${offset} on do not fit: the array has ${this.length}`);
    }
    const size = values.length * this.BYTES_PER_ELEMENT;
    const array = makeArray(this.#type, new ArrayBuffer(size), 0, values.length);
    (array as { set(values: ArrayLike<Element<C>>): void }).set(values);
    return new Uint8Array(array.buffer);
  }
}

/** A `RemoteArray` with its elements. Errors: RangeError when the address is no multiple of an element's size. */
export function makeRemoteArray<C extends TypedArrayConstructor>(
  memory: ExecutorMemory,
  address: number,
  type: C,
  length: number,
): RemoteArray<C> {
  const array = new RemoteArray(memory, address, type, length);
  if (address % array.BYTES_PER_ELEMENT !== 0) {
    throw new RangeError(`${type.name} at ${hex(address)}: not at a multiple of ${array.BYTES_PER_ELEMENT}`);
  }
  const proxy = new Proxy(array, elements as ProxyHandler<RemoteArray<C>>);
  memory.addStandIn(proxy, address);
  return proxy;
}

/** Whether `value` stands for an array whose memory is not shared. */
export function isRemoteArray(value: unknown): value is RemoteArray<TypedArrayConstructor> {
  return value instanceof RemoteArray;
}

const INDEX = /^(0|[1-9][0-9]*)$/;

/** Methods run on the array itself: its private fields are not the proxy's. */
const elements: ProxyHandler<RemoteArray<TypedArrayConstructor>> = {
  get(array, key) {
    if (typeof key === "string" && INDEX.test(key)) return array.element(Number(key));
    const value = Reflect.get(array, key, array);
    return typeof value === "function" && key !== "constructor" ? value.bind(array) : value;
  },
  set(array, key, value) {
    if (typeof key !== "string" || !INDEX.test(key)) return false;
    array.setElement(Number(key), value);
    return true;
  },
  has(array, key) {
    if (typeof key === "string" && INDEX.test(key)) return Number(key) < array.length;
    return Reflect.has(array, key);
  },
};
