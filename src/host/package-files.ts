/**
 * Files of the package that are not JavaScript, by their names: koffi's native module, the linker's kernel, the executor, its services for
 * other executors, and what is linked beside programs.
 */
export type PackageFile =
  | "koffi.node"
  | "kernel.wasm"
  | "slablink-executor"
  | "slablink-services.so"
  | `slablink-${string}.o`;

const places = new Map<PackageFile, string>();

/**
 * Says where files of the package are, for programs that are bundled into one file and do not find them around their modules
 * (examples/single-executable). Called before anything is linked; a file that is not named is looked for where npm puts it. The
 * paths must stay good: an executor may be started again.
 */
export function setPackageFiles(files: Readonly<Partial<Record<PackageFile, string>>>): void {
  for (const [name, path] of Object.entries(files)) places.set(name as PackageFile, path as string);
}

/** Where a file is by `setPackageFiles`; undefined if it has not been said. */
export function packageFile(name: PackageFile): string | undefined {
  return places.get(name);
}
