import { R_X86_64_PLT32 } from "../../../src/arch/x86_64.ts";
import { STT_FUNC } from "../../../src/formats/elf/constants.ts";
import { archiveOf, type Member } from "../archive-writer.ts";
import { Flags, ObjectWriter } from "../object-writer.ts";
import { doubling, functionReturning, numbered, program, put, type Shape, tableOf, times } from "../shape.ts";

/** An object with one function that returns its number. */
function small(i: number): Uint8Array {
  const object = new ObjectWriter();
  const section = object.section(".text", functionReturning(i), { flags: Flags.code, alignment: 16 });
  object.symbol(numbered("f", i), { section, type: STT_FUNC, size: 6 });
  return object.bytes();
}

function member(i: number, bytes = small(i)): Member {
  return { name: numbered("member", i), bytes, symbols: [numbered("f", i)] };
}

function tableOfAll(directory: string, n: number): string {
  return put(directory, "table.o", tableOf(times(n, (i) => numbered("f", i))));
}

/** Many small files. */
export const objects: Shape = {
  name: "objects",
  unit: "object",
  description: "n object files of one function each",
  sizes: doubling(2500, 4),
  small: 300,
  make(directory, n) {
    const files = times(n, (i) => put(directory, `${i}.o`, small(i)));
    return { inputs: [program(directory, "scale-calls"), tableOfAll(directory, n), ...files] };
  },
};

/** Many archives with little in each. */
export const archives: Shape = {
  name: "archives",
  unit: "archive",
  description: "n archives of one member each, all of them wanted",
  sizes: doubling(1250, 4),
  small: 300,
  make(directory, n) {
    const files = times(n, (i) => put(directory, `${i}.a`, archiveOf([member(i)])));
    return { inputs: [program(directory, "scale-calls"), tableOfAll(directory, n), ...files] };
  },
};

/** One archive with much in it. */
export const members: Shape = {
  name: "members",
  unit: "member",
  description: "one archive of n members, all of them wanted",
  sizes: doubling(12_500, 4),
  small: 300,
  make(directory, n) {
    const archive = put(directory, "all.a", archiveOf(times(n, (i) => member(i))));
    return { inputs: [program(directory, "scale-calls"), tableOfAll(directory, n), archive] };
  },
};

/** One archive with much in it, of which hardly anything is wanted. */
export const unwanted: Shape = {
  name: "unwanted",
  unit: "member",
  description: "one archive of n members, ten of them wanted",
  sizes: doubling(25_000, 4),
  small: 300,
  make(directory, n) {
    const archive = put(directory, "all.a", archiveOf(times(n, (i) => member(i))));
    return { inputs: [program(directory, "scale-calls"), tableOfAll(directory, 10), archive] };
  },
};

/** Bytes: archives whose members are large. */
export const bytes: Shape = {
  name: "bytes",
  unit: "MB",
  description: "archives of n MB together, in members of 100 kB; all of them wanted",
  sizes: [100, 200, 400, 800],
  small: 2,
  make(directory, n) {
    const count = 10 * n;
    const perArchive = 200;
    const all = times(count, (i) => {
      const object = new ObjectWriter();
      const code = new Uint8Array(99_000).fill(0x90);
      code.set(functionReturning(i));
      const section = object.section(".text", code, { flags: Flags.code, alignment: 16 });
      object.symbol(numbered("f", i), { section, type: STT_FUNC, size: 6 });
      return { i, object };
    });
    const files: string[] = [];
    for (let at = 0; at < count; at += perArchive) {
      const part = all.slice(at, at + perArchive).map(({ i, object }) => member(i, object.bytes()));
      files.push(put(directory, `${at}.a`, archiveOf(part)));
    }
    return { inputs: [program(directory, "scale-calls"), tableOfAll(directory, count), ...files] };
  },
};

/** Member i calls member i + 1; the last one returns 0, and so does the first. */
function chain(n: number): Member[] {
  return times(n, (i) => {
    if (i === n - 1) return { ...member(i, undefined), bytes: chainEnd(i) };
    const object = new ObjectWriter();
    // jmp f(i+1)
    const section = object.section(".text", new Uint8Array([0xe9, 0, 0, 0, 0]), { flags: Flags.code, alignment: 16 });
    object.symbol(numbered("f", i), { section, type: STT_FUNC, size: 5 });
    object.relocate(section, 1, R_X86_64_PLT32, object.symbol(numbered("f", i + 1)), -4);
    return member(i, object.bytes());
  });
}

function chainEnd(i: number): Uint8Array {
  const object = new ObjectWriter();
  const section = object.section(".text", functionReturning(0), { flags: Flags.code, alignment: 16 });
  object.symbol(numbered("f", i), { section, type: STT_FUNC, size: 6 });
  return object.bytes();
}

/** Each member needs the next one: with the order of the archive. */
export const chainForward: Shape = {
  name: "chain",
  unit: "member",
  description: "one archive in which each member needs the next one",
  sizes: doubling(12_500, 4),
  small: 300,
  make(directory, n) {
    const archive = put(directory, "chain.a", archiveOf(chain(n)));
    return { inputs: [program(directory, "scale-calls"), tableOfAll(directory, 1), archive] };
  },
};

/** Each member needs the one before it: a pass over the index for each, to a linker that goes by passes. */
export const chainBackward: Shape = {
  name: "chain-backward",
  unit: "member",
  description: "one archive in which each member needs the one before it",
  sizes: doubling(12_500, 4),
  small: 300,
  make(directory, n) {
    const archive = put(directory, "chain.a", archiveOf(chain(n).reverse()));
    return { inputs: [program(directory, "scale-calls"), tableOfAll(directory, 1), archive] };
  },
};

/** The links of the chain lie in many archives, each in turn. */
function acrossArchives(directory: string, n: number, count: number, backward: boolean): string[] {
  const parts: Member[][] = times(count, () => []);
  chain(n).forEach((each, i) => {
    parts[backward ? count - 1 - (i % count) : i % count]!.push(each);
  });
  return parts.map((part, i) => put(directory, `${i}.a`, archiveOf(part)));
}

/** A group of archives that need each other. */
export const chainGroup: Shape = {
  name: "chain-group",
  unit: "member",
  description: "a --start-group of two archives, in which each member needs one of the other archive",
  sizes: doubling(12_500, 4),
  small: 300,
  make(directory, n) {
    const files = acrossArchives(directory, n, 2, true);
    const inputs = [program(directory, "scale-calls"), tableOfAll(directory, 1), "--start-group", ...files];
    return { inputs: [...inputs, "--end-group"] };
  },
};

/** A large group: many archives, each of which needs the one before it. */
export const groupBackward: Shape = {
  name: "group-backward",
  unit: "archive",
  description: "a --start-group of n archives of one member each, which needs the archive before it",
  sizes: doubling(1250, 4),
  small: 300,
  make(directory, n) {
    const files = acrossArchives(directory, n, n, true);
    const inputs = [program(directory, "scale-calls"), tableOfAll(directory, 1), "--start-group", ...files];
    return { inputs: [...inputs, "--end-group"] };
  },
};

/** The same without a group: what ld.lld finds and GNU ld does not. */
export const archivesBackward: Shape = {
  name: "archives-backward",
  unit: "archive",
  description: "n archives of one member each, which needs the archive before it; no group",
  sizes: doubling(1250, 4),
  small: 300,
  make(directory, n) {
    const files = acrossArchives(directory, n, n, true);
    return { inputs: [program(directory, "scale-calls"), tableOfAll(directory, 1), ...files] };
  },
};
