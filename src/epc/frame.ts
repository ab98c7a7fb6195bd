import { hex, TWO_32 } from "../bytes/address.ts";
import { setWord64 } from "../bytes/word.ts";
import { ProtocolError } from "./protocol-error.ts";

/*
 * Frame of LLVM's SimpleRemoteEPC, little-endian:
 *
 *   0  u64 size of the whole frame     16  u64 sequence number       32  payload
 *   8  u64 opcode                      24  u64 tag address
 */
export const HEADER_SIZE = 32;

/** What a frame is; every other number is refused. */
export const Opcode = { setup: 0, hangup: 1, result: 2, callWrapper: 3 } as const;

/** Payloads beyond this are refused: nothing that slablink asks for answers with more. */
export const MAX_PAYLOAD = 256 * 2 ** 20;

/** One message: `tag` is the address of the called function (callWrapper), `sequence` pairs a result with its call. */
export interface Frame {
  readonly opcode: number;
  readonly sequence: number;
  readonly tag: number;
  /** Valid for as long as the receiver likes; may share memory with the chunk it came in. */
  readonly payload: Uint8Array;
}

/** The 32 bytes in front of a payload of `payloadSize` bytes. */
export function encodeHeader(opcode: number, sequence: number, tag: number, payloadSize: number): Uint8Array {
  const header = new Uint8Array(HEADER_SIZE);
  const view = new DataView(header.buffer);
  setWord64(view, 0, HEADER_SIZE + payloadSize);
  setWord64(view, 8, opcode);
  setWord64(view, 16, sequence);
  setWord64(view, 24, tag);
  return header;
}

/** Cuts a byte stream into frames, however it is fragmented. Never allocates more than has arrived. */
export class FrameDecoder {
  #chunks: Uint8Array[] = [];
  #length = 0;
  /** Bytes that must be there before anything can be done. */
  #wanted = HEADER_SIZE;

  /** Bytes of a frame that is not complete yet: 0 at a frame boundary. */
  get pending(): number {
    return this.#length;
  }

  /** Takes the next bytes and calls `receive` for each complete frame. Throws ProtocolError on a wrong header. */
  push(chunk: Uint8Array, receive: (frame: Frame) => void): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    while (this.#length >= this.#wanted) {
      const bytes = this.#join();
      const size = checkedSize(bytes);
      if (bytes.length < size) {
        this.#wanted = size;
        return;
      }
      this.#chunks = bytes.length === size ? [] : [bytes.subarray(size)];
      this.#length -= size;
      this.#wanted = HEADER_SIZE;
      const view = new DataView(bytes.buffer, bytes.byteOffset, size);
      receive({
        opcode: view.getUint32(8, true),
        sequence: u64(view, 16, "sequence number"),
        tag: u64(view, 24, "tag address"),
        payload: bytes.subarray(HEADER_SIZE, size),
      });
    }
  }

  #join(): Uint8Array {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.#length)];
    return this.#chunks[0];
  }
}

function checkedSize(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_SIZE);
  const size = u64(view, 0, "size");
  if (size < HEADER_SIZE || size > HEADER_SIZE + MAX_PAYLOAD) {
    throw new ProtocolError(
      `frame size ${hex(size)} is not in [${hex(HEADER_SIZE)}, ${hex(HEADER_SIZE + MAX_PAYLOAD)}]`,
    );
  }
  const opcode = u64(view, 8, "opcode");
  if (opcode > Opcode.callWrapper) throw new ProtocolError(`frame opcode ${hex(opcode)} is not in [0x0, 0x3]`);
  return size;
}

function u64(view: DataView, offset: number, field: string): number {
  const high = view.getUint32(offset + 4, true);
  if (high >= 0x20_0000) throw new ProtocolError(`frame ${field} is 2^53 or more`);
  return high * TWO_32 + view.getUint32(offset, true);
}
