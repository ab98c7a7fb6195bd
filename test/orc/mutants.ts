import { mutate } from "../formats/archive-fixture.ts";

const c = `#include <stdio.h>
static int table[4] = {1, 2, 3, 4};
int common_a, common_b;
const char *names[] = {"a", "b", "c"};
__attribute__((weak)) int weak(void);
__attribute__((constructor)) static void early(void) { table[0]++; }
int choose(int x) {
  switch (x) { case 0: return 10; case 1: return 21; case 2: return 32; case 3: return 43; case 4: return 55; }
  return table[x & 3];
}
int main(int argc, char **argv) {
  if (weak) return weak();
  return printf("%s %d %p\\n", names[argc % 3], choose(argc), (void *)stdout);
}
`;
const cxx = `#include <stdexcept>
#include <string>
#include <vector>
template <class T> struct Box { virtual ~Box() {} virtual T get() { return value; } T value{}; static inline T shared{}; };
struct Other : Box<int> { int get() override { throw std::runtime_error("no"); } };
int use(Box<int> &box) { try { return box.get(); } catch (const std::exception &e) { return (int)std::string(e.what()).size(); } }
int main() { std::vector<std::string> v{"a", "b"}; Other o; return use(o) + (int)v.size() + Box<int>::shared; }
`;
const tls = `__thread int a = 5, b; extern __thread int c; static __thread int d = 7, e;
__thread int c __attribute__((aligned(64)));
int *pa(void) { return &a; } int *pc(void) { return &c; } int sum(void) { return d++ + e++ + b; }
int *where = (int *)0; int main(void) { return *pa() + *pc() + sum(); }
`;

/** For a second file with the same templates. */
export const renamed = ["-Dmain=other_main", "-Duse=other_use", "-DOther=Another"];

/** What the objects are made of: sections of most kinds, COMDAT, unwind tables, thread-local sequences, debug information. */
export const objects: [name: string, words: string[], file: string, text: string][] = [
  ["C", ["gcc", "-O1", "-fPIE"], "a.c", c],
  ["C, non-PIC, sections of functions", ["gcc", "-O0", "-fno-pic", "-ffunction-sections", "-fdata-sections"], "b.c", c],
  ["C++ with exceptions and COMDAT", ["gcc", "-O0", "-fPIC"], "c.cc", cxx],
  ["thread-locals", ["gcc", "-O1", "-fPIC"], "d.c", tls],
  [
    "thread-locals through descriptors, debug information",
    ["gcc", "-O1", "-fPIC", "-g", "-mtls-dialect=gnu2"],
    "e.c",
    tls,
  ],
  ["compact relocations", ["clang-22", "-O1", "-fPIC", "-Wa,--crel,--allow-experimental-crel"], "f.c", c],
  ["large code model", ["gcc", "-O1", "-fPIC", "-mcmodel=large"], "g.c", tls],
];

/** Some damage is random bytes anywhere; most is a field of a section header, a symbol or a relocation with a value that means something. */
export function damage(bytes: Uint8Array, random: () => number): Uint8Array {
  if (random() % 4 === 0) return mutate(bytes, random);
  const mutant = Uint8Array.from(bytes);
  const view = new DataView(mutant.buffer);
  const tables = tablesOf(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  for (let n = 1 + (random() % 3); n > 0; n--) {
    const { offset, size } = tables[random() % tables.length];
    if (size < 4) continue;
    const at = offset + 4 * (random() % (size >> 2));
    const choice = random() % 4;
    if (choice === 0) view.setUint32(at, telling[random() % telling.length], true);
    else if (choice === 1) view.setUint32(at, random() % 48, true);
    else if (choice === 2) view.setUint32(at, view.getUint32(at, true) + (random() % 9) - 4, true);
    else view.setUint8(at + (random() % 4), random());
  }
  return mutant;
}

const telling = [0, 0x400, 0x403, 0x1000, 0x7fff_ffff, 0x8000_0000, 0xffff_ff00, 0xffff_ffff, 0x001f_ffff, 0x0020_0000];

/** Where the section headers are, and the symbols, relocations, groups, strings and unwind tables. */
function tablesOf(view: DataView): { offset: number; size: number }[] {
  const headers = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  const tables = [{ offset: headers, size: 64 * count }];
  for (let at = headers; at < headers + 64 * count; at += 64) {
    const type = view.getUint32(at + 4, true);
    const table = { offset: Number(view.getBigUint64(at + 24, true)), size: Number(view.getBigUint64(at + 32, true)) };
    // SYMTAB, STRTAB, RELA, GROUP, CREL, X86_64_UNWIND and, since gas calls it so, PROGBITS that may be .eh_frame.
    if ([1, 2, 3, 4, 17, 0x4000_0014, 0x7000_0001].includes(type) && table.size > 0) tables.push(table);
  }
  return tables;
}
