import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { compile } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { modesUnderTest, runIn } from "../support/slablink.ts";
import { freshDirectory } from "../support/workspace.ts";
import { linkPlainly, type PlainJob } from "./plain-job.ts";

const source = `
__thread int counter __attribute__((aligned(64))) = 3;
__thread long zero[40];
int exported(int x) { return x + counter; }
__attribute__((visibility("hidden"))) int hidden(int x) { return x; }
__attribute__((visibility("protected"))) int guarded(int x) { return x; }
__attribute__((weak)) int feeble(int x) { return x; }
static int inner(int x) { return x; }
int variable[5] = {1, 2, 3};
int (*table[])(int) = {exported, hidden, guarded, feeble, inner};
`;

describe("the anchor as a file", () => {
  let job: PlainJob;
  let path: string;
  before(async () => {
    const many = Array.from({ length: 300 }, (_, i) => `int many_${i}(void) { return ${i}; }\n`).join("");
    job = await linkPlainly([await compile(["gcc", "-O1", "-fPIC"], "anchor.c", source + many)], {
      externals: { __tls_get_addr: 0x4000_0000 },
    });
    path = join(freshDirectory(), "anchor.so");
    writeFileSync(path, job.anchor);
  });

  /** What readelf says, which has to be without a warning. */
  async function readelf(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await run("readelf", ["-W", ...words, path]);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
    return stdout;
  }

  test("readelf reads all of it without a warning", async () => {
    const text = await readelf("-h", "-l", "-d", "-r", "-n", "--histogram", "--use-dynamic", "--syms");
    assert.match(text, /DYN \(Shared object file\)/);
    assert.doesNotMatch(text, /<corrupt|warning/i);
  });

  test("its segments are the job's stripes, none writable and executable", async () => {
    const { layout } = job.job;
    const lines = [
      ...(await readelf("-l")).matchAll(/^ {2}(\w+) +(0x\w+) (0x\w+) 0x\w+ (0x\w+) (0x\w+) ([RWE ]{3}) (0x\w+)$/gm),
    ];
    const segments = lines.map(([, type, ...fields]) => {
      const [offset, address, fileSize, size] = fields.slice(0, 4).map(Number);
      return { type, offset, address, fileSize, size, flags: fields[4].trim(), alignment: Number(fields[5]) };
    });
    assert.equal(segments.length, 8);
    for (const { flags } of segments) assert.doesNotMatch(flags, /W.*E/);
    const loads = segments.filter(({ type }) => type === "LOAD");
    assert.equal(loads[0].address, layout.header.address);
    assert.equal(loads.at(-1)!.address + loads.at(-1)!.size, layout.header.address + layout.size);
    for (const { offset, address, alignment, fileSize } of loads) {
      if (fileSize > 0) assert.equal((address - offset) % alignment, 0);
      assert.ok(offset + fileSize <= job.anchor.length);
    }
    for (let i = 1; i < loads.length; i++) assert.ok(loads[i].address >= loads[i - 1].address + loads[i - 1].size);
    const unwind = segments.find(({ type }) => type === "GNU_EH_FRAME")!;
    assert.deepEqual([unwind.address, unwind.size], [layout.ehFrameTable.address, layout.ehFrameTable.size]);
    const tls = segments.find(({ type }) => type === "TLS")!;
    assert.deepEqual([tls.fileSize, tls.size, tls.alignment], [layout.tls.imageSize, layout.tls.size, 64]);
    assert.equal(tls.address % 64, 0);
    assert.equal(new DataView(job.anchor.buffer, job.anchor.byteOffset).getInt32(tls.offset, true), 3);
  });

  test("its dynamic symbols are the definitions that others may see, each with its address, size and type", async () => {
    const lines = [
      ...(await readelf("--use-dynamic", "--syms")).matchAll(
        /^ +\d+: (\w+) +(\d+) (\w+) +(\w+) +(\w+) +(\w+) +(\S+)$/gm,
      ),
    ];
    const symbols = new Map(
      lines.map(([, value, size, type, bind, , section, name]) => [
        name,
        { value: Number.parseInt(value, 16), size: Number(size), type, bind, section },
      ]),
    );
    for (const [name, type, bind] of [
      ["exported", "FUNC", "GLOBAL"],
      ["guarded", "FUNC", "GLOBAL"],
      ["feeble", "FUNC", "WEAK"],
      ["variable", "OBJECT", "GLOBAL"],
      ["many_299", "FUNC", "GLOBAL"],
    ]) {
      const symbol = symbols.get(name)!;
      assert.equal(symbol.value, job.address(name), name);
      assert.deepEqual([symbol.type, symbol.bind], [type, bind], name);
      assert.ok(symbol.size > 0 && symbol.section !== "UND", name);
    }
    // A thread-local symbol's value is its place in the block.
    assert.deepEqual([symbols.get("counter")!.type, symbols.get("counter")!.value], ["TLS", 0]);
    assert.equal(symbols.has("hidden"), false);
    assert.equal(symbols.has("inner"), false);
  });

  test("its hash table leads to every symbol", () => {
    const view = new DataView(job.anchor.buffer, job.anchor.byteOffset, job.anchor.byteLength);
    const base = job.job.layout.header.address;
    const tags = new Map<number, number>();
    for (let at = job.job.layout.headerData.address - base; ; at += 16) {
      const tag = Number(view.getBigInt64(at, true));
      if (tag === 0) break;
      tags.set(tag, Number(view.getBigUint64(at + 8, true)) - base);
    }
    const [hash, strings, symbols] = [4, 5, 6].map((tag) => tags.get(tag)!);
    const [buckets, count] = [view.getUint32(hash, true), view.getUint32(hash + 4, true)];
    const nameAt = (index: number): string => {
      const start = strings + view.getUint32(symbols + 24 * index, true);
      return Buffer.from(job.anchor.subarray(start, job.anchor.indexOf(0, start))).toString();
    };
    /** gABI 5, "Symbol Hash Function". */
    const hashOf = (name: string): number => {
      let h = 0n;
      for (const byte of Buffer.from(name)) {
        h = (h << 4n) + BigInt(byte);
        const g = h & 0xf000_0000n;
        if (g !== 0n) h ^= g >> 24n;
        h &= ~g & 0xffff_ffffn;
      }
      return Number(h);
    };
    const reached = new Set<number>();
    for (let index = 1; index < count; index++) {
      const name = nameAt(index);
      let each = view.getUint32(hash + 8 + 4 * (hashOf(name) % buckets), true);
      while (each !== 0 && nameAt(each) !== name) each = view.getUint32(hash + 8 + 4 * (buckets + each), true);
      assert.equal(each, index, name);
      reached.add(each);
    }
    assert.ok(reached.size > 300);
  });
});

const program = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <cstdio>
#include <cstring>
#include <stdexcept>
extern "C" {
int exported(int x) { return x + 1; }
__attribute__((visibility("hidden"))) int hidden(int x) { return x + 2; }
int variable = 7;
thread_local int counter = 5;
}
struct Search { const void *address; int found; };
static int look(struct dl_phdr_info *info, size_t, void *data) {
  Search *s = (Search *)data;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    auto &p = info->dlpi_phdr[i];
    unsigned long at = info->dlpi_addr + p.p_vaddr;
    if (p.p_type == PT_LOAD && (unsigned long)s->address >= at && (unsigned long)s->address < at + p.p_memsz) s->found++;
  }
  return 0;
}
__attribute__((noinline)) static void thrower(int n) { if (n == 0) throw std::runtime_error("deep"); thrower(n - 1); asm(""); }
int main() {
  printf("dlsym %d %d %d\\n", dlsym(RTLD_DEFAULT, "exported") == (void *)exported,
         dlsym(RTLD_DEFAULT, "variable") == (void *)&variable, dlsym(RTLD_DEFAULT, "hidden") == nullptr);
  void *tls = dlsym(RTLD_DEFAULT, "counter");
  printf("thread-local %d %d\\n", tls == (void *)&counter, tls ? *(int *)tls : -1);
  Dl_info info;
  int known = dladdr((char *)exported + 2, &info);
  printf("dladdr %d %s %d\\n", known != 0, info.dli_sname, info.dli_saddr == (void *)exported);
  Search s = {(void *)exported, 0};
  dl_iterate_phdr(look, &s);
  printf("segments %d\\n", s.found);
  try { thrower(20); } catch (const std::exception &e) { printf("caught %s\\n", e.what()); }
  void *self = dlsym(RTLD_DEFAULT, "no_such_name");
  printf("absent %d\\n", self == nullptr);
}
`;

describe("the anchor in its process", () => {
  for (const mode of modesUnderTest) {
    test(`the loader finds symbols and segments of linked code, exceptions pass through it: ${mode}`, async () => {
      const object = await compile(["gcc", "-O1", "-fPIC"], "anchored.cc", program);
      assert.deepEqual(await runIn(mode, [object]), {
        status: 0,
        stdout: "dlsym 1 1 1\nthread-local 1 5\ndladdr 1 exported 1\nsegments 1\ncaught deep\nabsent 1\n",
        stderr: "",
      });
    });
  }
});
