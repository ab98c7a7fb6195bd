import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { program, type Shape } from "../shape.ts";

const CONFIG = "/usr/lib/llvm-22/bin/llvm-config";

/** What of LLVM is linked at each size: with everything that it needs, so that nothing is undefined. */
const components = ["support", "core", "analysis", "codegen", "x86", "all-targets", "all"];

function archivesOf(component: string): string[] {
  const result = spawnSync(CONFIG, ["--link-static", "--libfiles", component], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${CONFIG}: ${result.error?.message ?? result.stderr}`);
  // Some files belong to other packages.
  return result.stdout.trim().split(/\s+/).filter(existsSync);
}

/** Real C++: LLVM's static archives, all of their members. */
export const llvm: Shape = {
  name: "llvm",
  unit: "MB",
  description: "LLVM's static archives, all members: the libraries that a component needs, from Support to everything",
  sizes: components.map((_, i) => i),
  isFixed: true,
  small: 0,
  requirements: [
    { file: CONFIG, package: "llvm-22-dev" },
    { file: "/usr/lib/llvm-22/lib/libPolly.a", package: "libpolly-22-dev" },
    { file: "libedit.so", package: "libedit-dev" },
    { file: "libffi.so", package: "libffi-dev" },
    { file: "libz.so", package: "zlib1g-dev" },
    { file: "libzstd.so", package: "libzstd-dev" },
    { file: "libxml2.so", package: "libxml2-dev" },
    { file: "libz3.so", package: "libz3-dev" },
  ],
  make(directory, n) {
    const files = archivesOf(components[n]!);
    const size = files.reduce((sum, file) => sum + statSync(file).size, 0);
    const all = ["--whole-archive", ...files, "--no-whole-archive"];
    const libraries = ["-lstdc++", "-lm", "-lz", "-lzstd", "-lxml2", "-lz3", "-ledit", "-lffi"];
    return { inputs: [program(directory, "scale-main"), ...all, ...libraries], units: Math.round(size / 1e6) };
  },
};
