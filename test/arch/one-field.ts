import { readFileSync } from "node:fs";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { linkPlainly, type PlainJob } from "../link/plain-job.ts";
import { compile } from "../support/compile.ts";

/** One relocated field of 16 bytes of 0xee in `.field`, at offset 8; variables and functions for it to refer to. */
const source = `
  .globl variable, function, thread_variable
  .data
  .zero 0x18
  .type variable, @object
  .size variable, 0x24
variable: .zero 0x30
  .text
  .zero 0x11
  .type function, @function
function: ret
  .size function, 1
  .section .tdata,"awT",@progbits
  .zero 8
  .type thread_variable, @object
  .size thread_variable, 4
thread_variable: .long 5
  .section .field,"aw",@progbits
  .zero 8, 0xee
  .reloc ., R_X86_64_PC32, variable + 0x77665544
  .reloc ., R_X86_64_PC32, function + 0x77665544
  .reloc ., R_X86_64_PC32, thread_variable + 0x77665544
  .zero 16, 0xee
`;

export interface FieldJob {
  readonly job: PlainJob;
  /** Address of the field. */
  readonly P: number;
  /** Address of the symbol; for a thread-local one, its offset in the job's block. */
  readonly S: number;
  /** The 16 bytes from the field on. */
  readonly bytes: Buffer;
}

/** Name that errors give to the object. */
export const FIELD_OBJECT = "field.o";

/** Links the object with only one relocation: `type` with addend `A` on `symbol`, at `offset` of the section. */
export async function linkField(type: number, symbol: string, A: number | bigint, offset = 8): Promise<FieldJob> {
  const bytes = Buffer.from(readFileSync(await compile(["gcc"], "field.s", source)));
  keepRelocation(bytes, ["variable", "function", "thread_variable"].indexOf(symbol), { type, addend: A, offset });
  const job = await linkPlainly([ByteReader.of(bytes, FIELD_OBJECT)]);
  const P = job.addressOfSection(".field") + 8;
  return { job, P, S: job.address(symbol), bytes: Buffer.from(job.bytesAt(P, 16)) };
}

/** Moves entry `index` of the only relocation table to its front and cuts the table there. */
function keepRelocation(
  bytes: Buffer,
  index: number,
  entry: { type: number; addend: number | bigint; offset: number },
): void {
  const headers = Number(bytes.readBigUInt64LE(40));
  for (let at = headers; at < bytes.length; at += 64) {
    if (bytes.readUInt32LE(at + 4) !== 4) continue;
    const table = Number(bytes.readBigUInt64LE(at + 24));
    bytes.copyWithin(table, table + 24 * index, table + 24 * index + 24);
    bytes.writeBigUInt64LE(BigInt(entry.offset), table);
    bytes.writeUInt32LE(entry.type, table + 8);
    bytes.writeBigInt64LE(BigInt(entry.addend), table + 16);
    bytes.writeBigUInt64LE(24n, at + 32);
    return;
  }
  throw new Error("the object has no relocations");
}
