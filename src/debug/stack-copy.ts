/** The copy of the stack that came with a report of a crash. */
export class StackCopy {
  readonly start: bigint;
  readonly #view: DataView;

  /** `start`: where the first of the bytes was. */
  constructor(start: bigint, bytes: Uint8Array) {
    this.start = start;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The word at an address, if it was copied. */
  word(address: bigint): bigint | undefined {
    const at = address - this.start;
    if (at < 0n || at + 8n > BigInt(this.#view.byteLength)) return undefined;
    return this.#view.getBigUint64(Number(at), true);
  }
}
