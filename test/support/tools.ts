import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { TestContext } from "node:test";

/** Debian's package for each tool or file the tests ask for, where the name is not the package's own. */
const packages: Record<string, string> = {
  cc: "gcc",
  "c++": "g++",
  "clang++-22": "clang-22",
  ar: "binutils",
  objcopy: "binutils",
  readelf: "binutils",
  "llvm-ar-22": "llvm-22",
  "/usr/lib/llvm-22/bin/llvm-jitlink": "llvm-22",
  "/usr/lib/llvm-14/bin/llvm-jitlink-executor": "llvm-14",
  "/usr/lib/llvm-16/bin/llvm-jitlink-executor": "llvm-16",
  "/usr/lib/llvm-22/bin/llvm-jitlink-executor": "llvm-22",
  "/usr/lib/llvm-22/lib/clang/22/lib/linux/liborc_rt-x86_64.a": "libclang-rt-22-dev",
  "/usr/lib/llvm-19/bin/llvm-jitlink": "llvm-19",
  "/usr/lib/llvm-19/bin/llvm-jitlink-executor": "llvm-19",
  "/usr/lib/llvm-19/lib/clang/19/lib/linux/liborc_rt-x86_64.a": "libclang-rt-19-dev",
  "libpython3.11.a": "libpython3.11-dev",
  "libpython3.11-pic.a": "libpython3.11-dev",
  "libsqlite3.a": "libsqlite3-dev",
  "libopenblas.a": "libopenblas-dev",
  "/usr/lib/x86_64-linux-musl/libc.a": "musl-dev",
  "libz.a": "zlib1g-dev",
  "libssl.a": "libssl-dev",
  "libcrypto.a": "libssl-dev",
  "libjemalloc.a": "libjemalloc-dev",
  "libjemalloc.so": "libjemalloc-dev",
  "libtcmalloc_minimal.so.4": "libtcmalloc-minimal4",
  "libmimalloc.so": "libmimalloc-dev",
  "libzstd.a": "libzstd-dev",
  gnatbind: "gnat",
  go: "golang-go",
  "/usr/lib/gcc/x86_64-linux-gnu/12/cc1obj": "gobjc",
  "libobjc.a": "gobjc",
  "libgnarl.a": "gnat",
  "libgnat.a": "gnat",
  "libgfortran.a": "gfortran",
  "libquadmath.a": "gfortran",
  "libgphobos.a": "gdc",
  "libgdruntime.a": "gdc",
  "libc++.so.1": "libc++-22-dev",
  "libc++.a": "libc++-22-dev",
  "libc++abi.so.1": "libc++abi-22-dev",
  "libc++abi.a": "libc++abi-22-dev",
  script: "bsdutils",
  "/usr/bin/python3": "python3",
  setpriv: "util-linux",
  unshare: "util-linux",
  ip: "iproute2",
  "/usr/sbin/sshd": "openssh-server",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  "libasan.so": "libgcc-12-dev",
  "libubsan.so": "libgcc-12-dev",
  "libtsan.so": "libgcc-12-dev",
  prlimit: "util-linux",
};

/** The path of a program, or undefined if there is none in $PATH. */
export function findTool(name: string): string | undefined {
  if (isAbsolute(name)) return existsSync(name) ? name : undefined;
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(directory, name);
    if (directory !== "" && existsSync(path)) return path;
  }
  return undefined;
}

/** Libraries that the compiler does not find by itself. */
const libraries: Record<string, string> = {
  "libgnarl.a": "/usr/lib/gcc/x86_64-linux-gnu/12/adalib/libgnarl.a",
  "libgnat.a": "/usr/lib/gcc/x86_64-linux-gnu/12/adalib/libgnat.a",
  "libpython3.11-pic.a": "/usr/lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11-pic.a",
  "libc++.so.1": "/usr/lib/llvm-22/lib/libc++.so.1",
  "libc++.a": "/usr/lib/llvm-22/lib/libc++.a",
  "libc++abi.so.1": "/usr/lib/llvm-22/lib/libc++abi.so.1",
  "libc++abi.a": "/usr/lib/llvm-22/lib/libc++abi.a",
};

/** The path of one of the toolchain's libraries (`libstdc++.a`), as the C++ compiler sees it. */
export function findLibrary(name: string): string | undefined {
  const path =
    libraries[name] ?? spawnSync("c++", [`-print-file-name=${name}`], { encoding: "utf8" }).stdout?.trim() ?? "";
  return isAbsolute(path) && existsSync(path) ? path : undefined;
}

/**
 * Whether all of these programs and libraries (`lib….a`, or absolute paths) are there. If not, the test is skipped
 * with the package to install; where CI=true, it fails.
 */
export function has(test: TestContext, ...names: string[]): boolean {
  const missing = names.find((name) => (name.startsWith("lib") ? findLibrary(name) : findTool(name)) === undefined);
  if (missing === undefined) return true;
  const text = `${missing} is missing: apt-get install ${packages[missing] ?? missing}`;
  if (process.env.CI === "true") throw new Error(text);
  test.skip(text);
  return false;
}
