import type { ByteReader } from "../../src/bytes/byte-reader.ts";
import { linkPlainly, readerOf } from "./plain-job.ts";

/** Some address for every name that the objects leave undefined. */
export async function undefinedNamesOf(objects: readonly (string | ByteReader)[]): Promise<Record<string, number>> {
  try {
    await linkPlainly(objects.map((each) => (typeof each === "string" ? readerOf(each) : each)));
    return {};
  } catch (error) {
    const symbols = (error as { symbols?: { name: string }[] }).symbols;
    if (symbols === undefined) throw error;
    return Object.fromEntries(symbols.map(({ name }, i) => [name, 0x4000_0000 + 16 * i]));
  }
}
