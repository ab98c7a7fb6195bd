import assert from "node:assert/strict";
import { test } from "node:test";
import { freeRanges, parseMaps, readMaps } from "../../src/host/maps.ts";

const TEXT = `00400000-00465000 r--p 00000000 08:01 123                     /usr/bin/node
00465000-00466000 r-xp 00065000 08:01 123                     /usr/bin/a name with spaces
01000000-01002000 rw-p 00000000 00:00 0 
7ffd0000-7ffe0000 rw-p 00000000 00:00 0                          [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]
`;

test("maps are read line by line, without what no slab can reach", () => {
  assert.deepEqual(parseMaps(TEXT), [
    { start: 0x40_0000, end: 0x46_5000, permissions: "r--p", offset: 0, inode: 123, path: "/usr/bin/node" },
    {
      start: 0x46_5000,
      end: 0x46_6000,
      permissions: "r-xp",
      offset: 0x6_5000,
      inode: 123,
      path: "/usr/bin/a name with spaces",
    },
    { start: 0x100_0000, end: 0x100_2000, permissions: "rw-p", offset: 0, inode: 0, path: "" },
    { start: 0x7ffd_0000, end: 0x7ffe_0000, permissions: "rw-p", offset: 0, inode: 0, path: "[stack]" },
  ]);
});

test("free ranges are the gaps that are large enough, inside the limits", () => {
  const limits = { start: 0x40_0000, end: 0x8000_0000 };
  const free = freeRanges(parseMaps(TEXT), limits, 0x2_0000);
  assert.deepEqual(free, [
    { start: 0x46_6000, end: 0x100_0000 },
    { start: 0x100_2000, end: 0x7ffd_0000 },
    { start: 0x7ffe_0000, end: 0x8000_0000 },
  ]);
  assert.deepEqual(freeRanges([], limits, 1), [limits]);
  assert.deepEqual(freeRanges([{ start: 0, end: 2 ** 32 }], limits, 1), []);
});

test("this process's own maps are ascending and hold the C library", () => {
  const ranges = readMaps();
  assert.ok(ranges.every(({ start, end }, i) => start < end && (i === 0 || ranges[i - 1].end <= start)));
  assert.ok(ranges.some(({ path, permissions }) => /libc\.so/.test(path) && permissions === "r-xp"));
});
