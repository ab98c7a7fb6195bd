import { SpsWriter } from "../executor/sps.ts";

/** Where an integer of a message is: what mutations aim at. */
export interface Field {
  at: number;
  size: number;
}

/** An argument list that remembers where its integers are. */
export class FieldWriter extends SpsWriter {
  readonly fields: Field[] = [];

  override u8(value: number): this {
    this.fields.push({ at: this.length, size: 1 });
    return super.u8(value);
  }

  override u32(value: number): this {
    this.fields.push({ at: this.length, size: 4 });
    return super.u32(value);
  }

  override u64(value: number | bigint): this {
    this.fields.push({ at: this.length, size: 8 });
    if (typeof value === "number") return super.u64(value);
    return super.raw(new Uint8Array(BigUint64Array.of(value).buffer));
  }
}
