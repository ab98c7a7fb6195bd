import { SpsReader } from "./sps-reader.ts";

/** Most registers a message may have (x86-64 has 17), and most bytes of the stack and of the list of mappings (twice what is sent). */
const MOST_REGISTERS = 64;
const MOST_BYTES = 2 ** 20;
const MOST_STACKS = 4;

/** An executor's last message: what its signal handler gathered (executor/crash/crash.c). Nothing in it is trusted. */
export interface CrashMessage {
  /** Its number, <signal.h>. */
  readonly signal: number;
  readonly code: number;
  readonly process: number;
  readonly thread: number;
  /** Process that sent the signal; 0: none did. */
  readonly sender: number;
  readonly address: bigint;
  /** x86's exception number and its error code. */
  readonly trap: number;
  readonly error: number;
  /** By their DWARF numbers, the instruction pointer last; empty where the executor cannot tell. */
  readonly registers: readonly bigint[];
  /** Copied pieces of the stack, or of two where a signal handler has its own, and the addresses of their first bytes. */
  readonly stacks: readonly { readonly start: bigint; readonly bytes: Uint8Array }[];
  /** Lines of /proc/PID/maps. */
  readonly maps: string;
}

/** Reads it. Errors: ProtocolError. */
export function decodeCrash(payload: Uint8Array): CrashMessage {
  const reader = new SpsReader(payload, "the executor's crash message");
  const word = (field: string): bigint => new DataView(...viewOf(reader.bytes(8, field))).getBigUint64(0, true);
  const small = (field: string): number => Number(BigInt.asIntN(32, word(field)));
  const fixed = {
    signal: small("signal"),
    code: small("code"),
    process: small("process"),
    thread: small("thread"),
    sender: small("sender"),
    address: word("address"),
    trap: small("trap"),
    error: small("error"),
  };
  const count = Math.min(reader.count("registers", 8), MOST_REGISTERS);
  const registers: bigint[] = [];
  for (let i = 0; i < count; i++) registers.push(word("register"));
  return {
    ...fixed,
    registers,
    stacks: reader
      .sequence("stacks", 16, () => ({ start: word("stack"), bytes: limited(reader.blob("stack")) }))
      .slice(0, MOST_STACKS),
    maps: new TextDecoder().decode(limited(reader.blob("maps"))),
  };
}

/** The part at the beginning that is looked at. */
function limited(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, MOST_BYTES);
}

function viewOf(bytes: Uint8Array): [ArrayBuffer, number, number] {
  return [bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength];
}
