import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../support/workspace.ts";

/**
 * The rooms of src/, in the order of the data's way (docs/design.md). A file imports from its own room and from those
 * named here, never the other way round.
 */
const rooms: Record<string, readonly string[]> = {
  errors: [],
  bytes: ["errors"],
  host: ["errors", "bytes"],
  kernel: ["errors", "bytes", "host"],
  graph: ["errors", "bytes", "kernel"],
  signature: ["errors", "bytes"],
  arch: ["errors", "bytes", "graph", "signature"],
  formats: ["errors", "bytes", "kernel", "graph", "signature", "arch"],
  inputs: ["errors", "bytes", "host", "graph", "formats"],
  native: ["errors", "bytes", "host"],
  epc: ["errors", "bytes", "host", "native"],
  memory: ["errors", "bytes", "host", "graph", "epc"],
  "runtime-memory": ["errors", "bytes", "host", "epc", "memory"],
  calls: ["errors", "bytes", "host", "signature"],
  trace: ["bytes", "epc"],
  debug: ["errors", "bytes", "host", "graph", "formats", "native", "epc"],
  passes: ["errors", "bytes", "kernel", "graph", "arch", "formats", "memory"],
  link: ["errors", "bytes", "kernel", "graph", "arch", "formats", "memory", "passes"],
  orc: [
    ...["errors", "bytes", "host", "kernel", "graph", "arch", "formats", "inputs"],
    ...["native", "epc", "memory", "runtime-memory", "calls", "passes", "link", "trace", "debug"],
  ],
  instance: [
    ...["errors", "bytes", "host", "graph", "signature", "arch", "formats", "inputs", "native", "epc", "memory"],
    ...["runtime-memory", "calls", "trace", "link", "orc"],
  ],
};

/** Only host/ touches the operating system; reading files and telling the time are open to all. */
const systemModules =
  /^(koffi|(node:)?(child_process|cluster|dgram|dns|ffi|http|http2|https|inspector|module|net|repl|tls|v8|vm|worker_threads)(\/.*)?)$/;

/** Files outside of host/ that may use one of those, and for what. */
const allowed: Record<string, RegExp> = {
  // Runs $CC and $CXX.
  "src/inputs/compile.ts": /^node:child_process$/,
  "src/inputs/compile-in-memory.ts": /^node:child_process$/,
};

/** Longest a source file may get; a longer one holds more than one thing. */
const mostLines = 500;

/** Every TypeScript file below a directory, by its path from the package's root. */
function sourcesOf(directory: string): string[] {
  if (!existsSync(join(packageRoot, directory))) return [];
  return (readdirSync(join(packageRoot, directory), { recursive: true }) as string[])
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .map((name) => posix.join(directory, name))
    .sort();
}

const textOf = (path: string) => readFileSync(join(packageRoot, path), "utf8");

/** What a file imports or re-exports, statically or by `import()`. */
function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  return [...code.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\(\s*|\brequire\(\s*)["']([^"']+)["']/g)].map(
    (match) => match[1],
  );
}

function roomOf(path: string): string {
  const [, second] = path.split("/");
  return second.replace(/\.ts$/, "");
}

const sources = sourcesOf("src");

test("every room of src/ is one of the design's", () => {
  const found = [...new Set(sources.map(roomOf))].filter((room) => room !== "index");
  assert.ok(found.length > 0, "src/ holds no TypeScript");
  assert.deepEqual(
    found.filter((room) => !(room in rooms)),
    [],
  );
});

test("the design's order of rooms has no circle", () => {
  const done = new Set<string>();
  const visit = (room: string, way: string[]) => {
    assert.ok(!way.includes(room), `circle: ${[...way, room].join(" → ")}`);
    if (done.has(room)) return;
    for (const next of rooms[room]) visit(next, [...way, room]);
    done.add(room);
  };
  for (const room of Object.keys(rooms)) visit(room, []);
});

test("imports of src/ run one way", () => {
  const wrong: string[] = [];
  for (const path of sources) {
    const room = roomOf(path);
    for (const specifier of importsOf(textOf(path))) {
      if (!specifier.startsWith(".")) continue;
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      if (!target.startsWith("src/")) wrong.push(`${path} imports ${target}, outside of src/`);
      else if (room !== "index" && roomOf(target) !== room && !rooms[room]?.includes(roomOf(target))) {
        wrong.push(`${path} imports ${target}: ${room}/ may not know ${roomOf(target)}/`);
      }
    }
  }
  assert.equal(wrong.join("\n"), "");
});

test("only host/ touches the operating system", () => {
  const wrong: string[] = [];
  for (const path of sources) {
    if (roomOf(path) === "host") continue;
    for (const specifier of importsOf(textOf(path))) {
      if (systemModules.test(specifier) && !allowed[path]?.test(specifier)) wrong.push(`${path} imports ${specifier}`);
    }
  }
  assert.equal(wrong.join("\n"), "");
});

test("src/ imports nothing but Node's modules and koffi", () => {
  const wrong: string[] = [];
  for (const path of sources) {
    for (const specifier of importsOf(textOf(path))) {
      if (!specifier.startsWith(".") && !specifier.startsWith("node:") && specifier !== "koffi") {
        wrong.push(`${path} imports ${specifier}`);
      }
    }
  }
  assert.equal(wrong.join("\n"), "");
});

test("cli/ and bench/ import src/ and themselves, nobody imports test/ but tests", () => {
  const wrong: string[] = [];
  for (const room of ["cli", "bench"]) {
    for (const path of sourcesOf(room)) {
      for (const specifier of importsOf(textOf(path))) {
        if (!specifier.startsWith(".")) continue;
        const target = posix.normalize(posix.join(posix.dirname(path), specifier));
        if (!target.startsWith("src/") && !target.startsWith(`${room}/`)) wrong.push(`${path} imports ${target}`);
      }
    }
  }
  assert.equal(wrong.join("\n"), "");
});

test("index.ts only re-exports", () => {
  if (!existsSync(join(packageRoot, "src/index.ts"))) return;
  const rest = textOf("src/index.ts")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "")
    .replace(/export\s+(type\s+)?(\{[^}]*\}|\*(\s+as\s+\w+)?)\s+from\s+"[^"]+";/g, "")
    .trim();
  assert.equal(rest, "");
});

test(`no source file is longer than ${mostLines} lines`, () => {
  const long = [...sources, ...sourcesOf("cli")]
    .map((path) => ({ path, lines: textOf(path).split("\n").length - 1 }))
    .filter(({ lines }) => lines > mostLines);
  assert.deepEqual(long, []);
});

/**
 * Whether a comment stands before this line or before the run of one-line constants or overloads that it is part of.
 * Constants under their specification's name need no more than a comment at the file's head that names it.
 */
function isDocumented(lines: readonly string[], index: number, name: string): boolean {
  if (/^export const [A-Z][A-Z0-9_]+ = /.test(lines[index]) && headComment(lines)) return true;
  const sameRun = new RegExp(`^export (const \\w+ = .*;|(async )?function ${name}\\b.*;)( *//.*)?$`);
  let first = index;
  while (first > 0 && sameRun.test(lines[first - 1])) first--;
  return lines[first - 1]?.trimEnd().endsWith("*/") ?? false;
}

function headComment(lines: readonly string[]): boolean {
  const first = lines.find((line) => line.trim() !== "" && !line.startsWith("import "));
  return first?.startsWith("/**") || first?.startsWith("//") || false;
}

test("every exported name has a doc comment", () => {
  const undocumented: string[] = [];
  for (const path of [...sources, ...sourcesOf("cli")]) {
    const lines = textOf(path).split("\n");
    for (const [index, line] of lines.entries()) {
      const match =
        /^export (?:default )?(?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type|const|let) (\w+)/.exec(
          line,
        );
      if (match === null) continue;
      if (!isDocumented(lines, index, match[1])) undocumented.push(`${path}:${index + 1}: ${match[1]}`);
    }
  }
  assert.equal(undocumented.join("\n"), "");
});

test("the order of imports above is what the checks see", () => {
  // The checks read text; this keeps their reading honest.
  const seen = importsOf(
    'import a from "./a.ts";\nexport { b } from "../b.ts";\nimport "c";\nconst d = await import("./d.ts");\n// from "e"\n/* import "f" */\nimport type { G } from "./g.ts";',
  );
  assert.deepEqual(seen, ["./a.ts", "../b.ts", "c", "./d.ts", "./g.ts"]);
  assert.ok(systemModules.test("koffi") && systemModules.test("node:child_process") && !systemModules.test("node:fs"));
  assert.equal(roomOf("src/errors.ts"), "errors");
  assert.equal(roomOf("src/formats/elf/header.ts"), "formats");
});
