import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { compile, mustRun } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { modes, slablink } from "../support/slablink.ts";
import { has } from "../support/tools.ts";
import { freshDirectory } from "../support/workspace.ts";

/** A frame of the program's as both sides show it: `name`, or `name file:line` where lines are known. */
type Frame = string;

/** The frames of the program's own functions that slablink names; the rest is libraries'. */
function framesOf(stderr: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of stderr.split("\n")) {
    const match =
      /^slablink: {3}#\d+ 0x[0-9a-f]+ (.*?)(?:\+0x[0-9a-f]+)? \((\S*\.o\)?), (.*?)\)(?: at (.*):(\d+))?$/.exec(line);
    const same = /^slablink: .* #(\d+) to #(\d+) are the same$/.exec(line);
    if (match !== null) frames.push(frame(match[1], match[4], match[5]));
    else if (line.includes("<signal handler called>")) frames.push("<signal handler called>");
    else if (same !== null) for (let i = Number(same[1]); i <= Number(same[2]); i++) frames.push(frames.at(-1)!);
  }
  return frames;
}

/** The same out of gdb's backtrace: what it does not place in a library and is not the start of a thread. */
function framesOfGdb(stdout: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of stdout.split("\n")) {
    // The C library's own sources are known by relative paths, where its debug information is installed.
    if (!/^#\d+ /.test(line) || / from \/| at \.\.?\//.test(line) || /^#\d+ +0x[0-9a-f]+ in \?\? \(\)/.test(line))
      continue;
    if (line.includes("<signal handler called>")) frames.push("<signal handler called>");
    const match = /^#\d+ +(?:0x[0-9a-f]+ in )?(.*?) ?\([^()]*\)(?: at (.*):(\d+))?$/.exec(line);
    if (match === null || /^(_start|__libc|__GI_|start_thread|clone)/.test(match[1])) continue;
    frames.push(frame(match[1], match[2], match[3]));
  }
  return frames;
}

/** Parameters, templates' arguments and results of functions are shown by one side only. */
function frame(name: string, file: string | undefined, line: string | undefined): Frame {
  const plain = name
    .replace(/operator\(\)/, "operator")
    .replace(/\(.*$/, "")
    .replace(/<.*>/, "")
    .replace(/^.* /, "")
    .trim();
  return file === undefined ? plain : `${plain} ${basename(file)}:${line}`;
}

async function gdbFrames(executable: string): Promise<Frame[]> {
  const words = [
    "-q",
    "-batch",
    "-nx",
    "-iex",
    "set debuginfod enabled off",
    "-ex",
    "set disable-randomization off",
    "-ex",
    "handle SIGUSR1 nostop noprint",
  ];
  const { stdout, stderr } = await run("gdb", [...words, "-ex", "run", "-ex", "bt", executable], { timeout: 120_000 });
  assert.match(stdout, /received signal/, stdout + stderr);
  return framesOfGdb(stdout);
}

interface Case {
  readonly name: string;
  /** By file name. */
  readonly sources: Readonly<Record<string, string>>;
  readonly flags: readonly string[];
  readonly words?: readonly string[];
  readonly memory?: keyof typeof modes;
  /** An archive of all sources but the first. */
  readonly archive?: boolean;
  readonly atLeast: number;
}

const crash = "__attribute__((noinline)) static int crash(volatile int *p) { return *p + 1; }\n";

const cases: readonly Case[] = [
  {
    name: "C with debug information",
    sources: {
      "one.c": `${crash}
        __attribute__((noinline)) int middle(int n, int *p) {
          return n == 0
            ? crash(p) + 2
            : middle(n - 1, p) + 1;
        }
        int main(void) { return middle(3, 0) + 1; }`,
    },
    flags: ["-g", "-O1"],
    atLeast: 6,
  },
  {
    name: "C without debug information, optimized, without frame pointers",
    sources: {
      "one.c": `${crash}
        #include <stdio.h>
        __attribute__((noinline)) int pushes(int a, int b, int c, int d, int e, int f, int g, int h, int *p) {
          int kept = a * b + c * d + e * f + g * h;
          char text[64];
          snprintf(text, sizeof text, "%d", kept);
          return crash(p) + kept + text[0];
        }
        __attribute__((noinline)) int varies(int n, int *p) {
          volatile char room[n];
          room[0] = 1;
          return pushes(n, 2, 3, 4, 5, 6, 7, 8, p) + room[0];
        }
        int main(int count, char **a) { return varies(count * 100, 0) + a[0][0]; }`,
    },
    flags: ["-O2", "-fomit-frame-pointer"],
    atLeast: 4,
  },
  {
    name: "static functions of archive members, through stubs",
    sources: {
      "one.c": "int lib(int *p);\nint main(void) { return lib(0) + 1; }",
      "member.c": `${crash}\nint other(int *p);\nint lib(int *p) { return other(p) + crash(p); }`,
      "other.c": `${crash}\nint other(int *p) { return crash(p) + 5; }`,
    },
    flags: ["-g", "-O1", "-fPIC"],
    archive: true,
    memory: "rpc",
    atLeast: 4,
  },
  {
    name: "C++: templates, members, lambdas, exceptions on their way",
    sources: {
      "one.cc": `
        #include <vector>
        ${crash}
        namespace deep {
          struct Thing {
            int *p;
            virtual ~Thing() = default;
            __attribute__((noinline)) virtual int use(int n) { return crash(p) + n; }
          };
          template <class T> __attribute__((noinline)) int call(T &f) { return f(1) + 1; }
          struct Cleans { int *p; __attribute__((noinline)) ~Cleans() { Thing thing; thing.p = p; call(*this); }
            int operator()(int n) { Thing thing; thing.p = p; Thing *volatile t = &thing; return t->use(n) + 1; } };
        }
        __attribute__((noinline)) void throws() { deep::Cleans cleans{nullptr}; throw 1; }
        int main() { try { throws(); } catch (int) { return 1; } return 0; }`,
    },
    flags: ["-g", "-O0"],
    words: ["-lstdc++", "-lgcc_s"],
    atLeast: 6,
  },
  {
    name: "a callback of qsort",
    sources: {
      "one.c": `
        #include <stdlib.h>
        static int zero;
        static int compare(const void *a, const void *b) { return *(const int *)a / (*(const int *)b * zero); }
        int main(void) { int values[] = {3, 2, 1}; qsort(values, 3, sizeof *values, compare); return values[0]; }`,
    },
    flags: ["-g", "-O0"],
    atLeast: 2,
  },
  {
    name: "a library's function",
    sources: {
      "one.c": `
        #include <string.h>
        __attribute__((noinline)) static int length(const char *text) { return (int)strlen(text) + 1; }
        int main(void) { return length((const char *)8) + 1; }`,
    },
    flags: ["-g", "-O1", "-fno-builtin"],
    atLeast: 2,
  },
  {
    name: "a handler of the program's, on a stack of its own",
    sources: {
      "one.c": `${crash}
        #include <signal.h>
        static char room[65536];
        static void handle(int number) { crash((int *)(long)(number * 0)); }
        __attribute__((noinline)) static void calls(void) { raise(SIGUSR1); }
        int main(void) {
          stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
          struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
          sigaltstack(&stack, 0);
          sigaction(SIGUSR1, &action, 0);
          calls();
          return 0;
        }`,
    },
    flags: ["-g", "-O0"],
    atLeast: 5,
  },
  {
    name: "a thread",
    sources: {
      "one.c": `${crash}
        #include <pthread.h>
        static void *work(void *p) { return (void *)(long)crash(p); }
        int main(void) { pthread_t thread; pthread_create(&thread, 0, work, 0); return pthread_join(thread, 0); }`,
    },
    flags: ["-g", "-O0", "-pthread"],
    atLeast: 2,
  },
  {
    name: "a jump to nowhere",
    sources: {
      "one.c": `
        __attribute__((noinline)) static int calls(int (*f)(void)) { return f() + 1; }
        int main(void) { return calls((int (*)(void))0) + 1; }`,
    },
    flags: ["-g", "-O1"],
    atLeast: 2,
  },
  {
    name: "abort",
    sources: {
      "one.c": `
        #include <stdlib.h>
        __attribute__((noinline)) static void gives_up(void) { abort(); }
        int main(void) { gives_up(); return 0; }`,
    },
    flags: ["-g", "-O0"],
    atLeast: 2,
  },
];

for (const { name, sources, flags, words = [], memory = "shared", archive = false, atLeast } of cases) {
  test(`${name}: the frames are gdb's`, async (t) => {
    if (!has(t, "gdb")) return;
    const objects = await Promise.all(
      Object.entries(sources).map(([file, text]) => compile(["gcc", ...flags], file, text)),
    );
    const directory = freshDirectory();
    let inputs = objects;
    if (archive) {
      inputs = [objects[0], join(directory, "libcase.a")];
      await mustRun("ar", ["rcs", inputs[1], ...objects.slice(1)]);
    }
    const executable = join(directory, "reference");
    await mustRun("g++", ["-pthread", "-o", executable, ...inputs]);
    const outcome = await slablink(["run", ...modes[memory], ...inputs, ...words], { timeout: 120_000 });
    const frames = framesOf(outcome.stderr);
    assert.deepEqual(frames, await gdbFrames(executable), outcome.stderr);
    assert.ok(frames.length >= atLeast, outcome.stderr);
  });
}

test("lines of every kind of debug information are gdb's", async (t) => {
  if (!has(t, "gdb", "clang-22", "gcc")) return;
  const kinds: readonly (readonly string[])[] = [
    ["gcc", "-gdwarf-2"],
    ["gcc", "-gdwarf-3"],
    ["gcc", "-gdwarf-4"],
    ["gcc", "-gdwarf-5"],
    ["gcc", "-g1"],
    ["gcc", "-g", "-gz=zlib"],
    ["gcc", "-g", "-gsplit-dwarf"],
    ["gcc", "-g", "-ffunction-sections"],
    ["gcc", "-g", "-gno-as-loc-support"],
    ["clang-22", "-g"],
    ["clang-22", "-gdwarf-4", "-gline-tables-only"],
    ["clang-22", "-gdwarf-5", "-gdwarf64"],
    ["clang-22", "-g", "-gz=zlib"],
  ];
  const objects = await Promise.all(
    kinds.map((words, i) => {
      const next = i + 1 === kinds.length ? "*p" : `step${i + 1}(p)`;
      const text = `${"\n".repeat(i)}int step${i + 1}(volatile int *p);
        int step${i}(volatile int *p) {
          int before = 1;

          return ${next} + before;
        }`;
      return compile([...words, "-O0"], `step${i}.c`, text);
    }),
  );
  objects.push(
    await compile(["gcc", "-g"], "main.c", "int step0(volatile int *p);\nint main(void) {\n  return step0(0);\n}"),
  );
  const executable = join(freshDirectory(), "reference");
  await mustRun("gcc", ["-o", executable, ...objects]);
  const { stderr } = await slablink(["run", ...objects], { timeout: 120_000 });
  const frames = framesOf(stderr);
  assert.deepEqual(frames, await gdbFrames(executable), stderr);
  assert.equal(frames.filter((frame) => / (step\d+|main)\.c:\d+$/.test(frame)).length, kinds.length + 1, stderr);
});

test("Rust's functions have their names and lines", async (t) => {
  if (!has(t, "rustc", "gdb")) return;
  const directory = freshDirectory();
  const source = join(directory, "one.rs");
  writeFileSync(
    source,
    `#![no_std]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
mod inner {
    #[inline(never)]
    pub fn reads(p: *const i32) -> i32 {
        unsafe { core::ptr::read_volatile(p).wrapping_add(1) }
    }
}
#[no_mangle]
pub extern "C" fn main() -> i32 {
    inner::reads(8 as *const i32).wrapping_add(1)
}
`,
  );
  const object = join(directory, "one.o");
  const flags = ["--edition=2021", "--crate-type=lib", "--emit=obj", "-g", "-Copt-level=1", "-Cpanic=abort"];
  await mustRun("rustc", [...flags, "-o", object, source]);
  const { status, stderr } = await slablink(["run", object], { timeout: 120_000 });
  assert.equal(status, 139, stderr);
  const frames = framesOf(stderr);
  assert.match(frames[0], /inner.*reads/);
  assert.match(frames.at(-1) ?? "", /^main one\.rs:12$/);
});
