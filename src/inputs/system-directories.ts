import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";

/**
 * Where gcc and GNU ld look for x86-64 libraries on their own, in gcc's order: its own directory (libgcc, libstdc++),
 * Debian's multiarch directories, `lib64` of the distributions that have it, `lib`; then what ld adds below
 * `/usr/local`. Only directories that exist, each once whatever its names. `root` stands in for `/` in tests.
 */
export function systemLibraryDirectories(root = "/"): string[] {
  const compiler = compilerDirectory(root);
  const candidates = compiler === undefined ? [] : [compiler];
  for (const name of DIRECTORIES) candidates.push(join(root, name));
  const seen = new Set<string>();
  return candidates.filter((directory) => {
    const real = realPath(directory);
    if (real === undefined || seen.has(real)) return false;
    seen.add(real);
    return true;
  });
}

const DIRECTORIES = [
  "usr/lib/x86_64-linux-gnu",
  "lib/x86_64-linux-gnu",
  "usr/lib64",
  "lib64",
  "usr/lib",
  "lib",
  "usr/local/lib/x86_64-linux-gnu",
  "usr/local/lib64",
  "usr/local/lib",
];

/**
 * `/usr/lib/gcc/TRIPLE/VERSION` of the newest gcc for x86-64 Linux, whatever the distribution calls its triple
 * (x86_64-linux-gnu, x86_64-redhat-linux, x86_64-pc-linux-gnu, x86_64-alpine-linux-musl). One with libgcc.a wins over
 * one without, which belongs to a partly installed gcc.
 */
function compilerDirectory(root: string): string | undefined {
  const found: { path: string; version: string; complete: boolean }[] = [];
  for (const base of [join(root, "usr/lib/gcc"), join(root, "usr/lib64/gcc")]) {
    for (const triple of list(base).filter((name) => /^x86_64-(.*-)?linux(-|$)/.test(name))) {
      for (const version of list(join(base, triple)).filter((name) => /^\d/.test(name))) {
        const path = join(base, triple, version);
        found.push({ path, version, complete: existsSync(join(path, "libgcc.a")) });
      }
    }
  }
  found.sort((a, b) => Number(b.complete) - Number(a.complete) || compareVersions(b.version, a.version));
  return found[0]?.path;
}

/** Compares dotted numbers; negative when `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? -1) - (right[i] ?? -1);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return 0;
}

/** The names in a directory; none if it cannot be read. */
export function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function realPath(path: string): string | undefined {
  try {
    // The other one is in JavaScript, and slow before the engine has warmed up: 0.5 ms for these directories.
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
