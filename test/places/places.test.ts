import assert from "node:assert/strict";
import { chmodSync, existsSync } from "node:fs";
import { test } from "node:test";
import { compile } from "../support/compile.ts";
import { modes } from "../support/slablink.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { workspace } from "../support/workspace.ts";
import { isThere, refusals, runThere, type Wrapper, withMounts, withoutCalls, withSysctl } from "./place.ts";

const NAMES = { shared: "executor, shared", rpc: "executor, rpc", "in-process": "in-process" } as const;
type ModeHere = keyof typeof NAMES;

/** A place, and in which modes a program is refused there, with what is said. */
interface Place {
  readonly name: string;
  readonly wrapper: () => Wrapper | Promise<Wrapper>;
  readonly refused?: Partial<Record<ModeHere, RegExp>>;
  readonly env?: Record<string, string | undefined>;
  readonly skip?: string | boolean;
}

const shm = (options: string) => `mount -t tmpfs -o ${options} none /dev/shm`;
const noExecution = [
  shm("noexec"),
  ...["/tmp", "/var/tmp"].flatMap((path) => [`mount --bind ${path} ${path}`, `mount -o remount,bind,noexec ${path}`]),
];
const noProc = "mount -t tmpfs none /proc";
const noSysctl = existsSync("/proc/sys/vm/memfd_noexec") ? false : "the kernel has no vm.memfd_noexec (6.3)";

const mountProc =
  /^slablink: error: (loading an image: image load: )?\/proc(\/self\/fd)? is not there, and none of .* takes .*: mount \/proc\n$/;
const allowMemfd =
  /^slablink: error: .*memfd_create: .* takes a file whose code may be mapped: allow memfd_create\(2\)\n$/;
const allowMemfdFor =
  /^slablink: error: cannot create memory file "slablink-\w+": Operation not permitted, and none of .* has .*: allow memfd_create\(2\)\n$/;
const fileSize =
  /^slablink: error: cannot size memory file "slablink-slab" to 0x10000000 bytes \(more than ulimit -f allows; --memory=rpc needs no file\): File too large\n$/;

const places: readonly Place[] = [
  { name: "`/dev/shm` is mounted noexec", wrapper: () => withMounts(shm("noexec")) },
  { name: "`/dev/shm` is read-only", wrapper: () => withMounts(shm("ro")) },
  { name: "`/dev/shm` has 64 KiB", wrapper: () => withMounts(shm("size=64k")) },
  {
    name: "`/dev/shm` is full",
    wrapper: () => withMounts(shm("size=64k"), "dd if=/dev/zero of=/dev/shm/full bs=4k 2>/dev/null || true"),
  },
  {
    name: "there is no `/dev/shm`",
    wrapper: () => withMounts("mount -t tmpfs none /dev", "mknod /dev/null c 1 3", "mknod /dev/urandom c 1 9"),
  },
  { name: "`/dev/shm`, `/tmp`, `/var/tmp` are mounted noexec", wrapper: () => withMounts(...noExecution) },
  {
    name: "the root file system is read-only, without `HOME` and `TMPDIR`",
    wrapper: () => withMounts("mount -o remount,bind,ro /"),
    env: { HOME: undefined, TMPDIR: undefined },
  },
  {
    name: "there is no `/proc`",
    wrapper: () => withMounts(noProc),
    refused: { "in-process": /^slablink: error: \/proc\/self\/task, .*: mount \/proc, or run in the executor\n$/ },
  },
  {
    name: "there is no `/proc`, and all else is mounted noexec",
    wrapper: () => withMounts(...noExecution, noProc),
    refused: { shared: mountProc, rpc: mountProc, "in-process": mountProc },
  },
  { name: "`/proc` is mounted hidepid=2", wrapper: () => withMounts("mount -t proc -o hidepid=2 none /proc") },
  {
    name: "another user, `/proc` mounted hidepid=2, without `HOME` and `TMPDIR`",
    wrapper: () => [
      ...withMounts("mount -t proc -o hidepid=2 none /proc"),
      ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"],
    ],
    env: { HOME: undefined, TMPDIR: undefined },
  },
  ...(Object.keys(refusals) as (keyof typeof refusals)[]).map((error) => ({
    name: `seccomp refuses memfd_create (${error})`,
    wrapper: () => withoutCalls(error, "memfd_create"),
  })),
  {
    name: "seccomp refuses memfd_create, `/dev/shm` has 64 KiB",
    wrapper: async () => [...(await withoutCalls("EPERM", "memfd_create")), ...withMounts(shm("size=64k"))],
  },
  {
    name: "seccomp refuses memfd_create, all else is mounted noexec",
    wrapper: async () => [...(await withoutCalls("EPERM", "memfd_create")), ...withMounts(...noExecution)],
    refused: { shared: allowMemfdFor, rpc: allowMemfd, "in-process": allowMemfdFor },
  },
  ...[1, 2].map((value) => ({
    name: `vm.memfd_noexec is ${value}`,
    wrapper: () => withSysctl("vm.memfd_noexec", value),
    skip: noSysctl,
  })),
  ...(["mremap", "fallocate", "personality", "prctl", "pidfd_open"] as const).map((call) => ({
    name: `seccomp refuses ${call}`,
    wrapper: () => withoutCalls("EPERM", call),
  })),
  {
    name: "seccomp refuses process_vm_readv and process_vm_writev",
    wrapper: () => withoutCalls("EPERM", "process_vm_readv", "process_vm_writev"),
  },
  {
    name: "`ulimit -f` is less than a slab",
    wrapper: () => ["prlimit", "--fsize=1048576"],
    refused: { shared: fileSize, "in-process": fileSize },
  },
];

/** A program with data, thread-locals, an exception's frames and what it asks its own process. */
const program = () =>
  compile(
    ["c++", "-O1"],
    "place.cc",
    `#include <cstdio>
static int data[1000] = {1}, zero[100000];
thread_local int own = 2;
int main() {
  try { throw data[0] + own + zero[5]; } catch (int value) { std::printf("hello %d\\n", value); }
}
`,
  );

const withoutNumbers = (text: string) =>
  text
    .trim()
    .replace(/^slablink: error: /, "")
    .replace(/none of \S.* (takes|has)/, "none of … $1");

for (const { name, wrapper, refused = {}, env, skip = false } of places) {
  test(name.replaceAll("`", ""), { skip }, async (t) => {
    if (!has(t, "cc", "c++", "unshare", "setpriv", "prlimit", "mount")) return;
    const there = await wrapper();
    if (!(await isThere(t, there))) return;
    const object = await program();
    chmodSync(workspace(), 0o755);
    for (const mode of Object.keys(NAMES) as ModeHere[]) {
      const { status, stdout, stderr } = await runThere(there, [...modes[mode], object], env);
      const sentence = refused[mode];
      if (sentence === undefined) {
        assert.deepEqual([status, stdout, stderr], [0, "hello 3\n", ""], mode);
        tableRow("places", name, NAMES[mode], "runs", "–");
      } else {
        assert.match(stderr, sentence, mode);
        assert.deepEqual([status, stdout], [1, ""], mode);
        tableRow("places", name, NAMES[mode], "refused, status 1", `\`${withoutNumbers(stderr)}\``);
      }
    }
  });
}
