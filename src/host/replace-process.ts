import { writeSync } from "node:fs";
import { inheritDescriptor, inheritStandardDescriptors } from "./descriptors.ts";
import { koffi } from "./koffi.ts";
import { createMemfd } from "./memfd.ts";
import { systemError } from "./system-error.ts";

/** Puts bytes into a file in memory whose descriptor survives execve(2); gives the path by which the new program finds it. */
export function inheritableFile(name: string, bytes: Uint8Array): string {
  const fd = createMemfd(name, bytes.length);
  writeSync(fd, bytes, 0, bytes.length, 0);
  inheritDescriptor(fd);
  // Two slashes: the loader remembers libraries by path, and this number will be used again.
  return `/proc/self//fd/${fd}`;
}

/** execve(2): this process becomes `path`, with the same descriptors and process id. Returns only by throwing. */
export function replaceProcess(
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): never {
  const execve = koffi().load(null).func("execve", "int", ["const char *", "const char **", "const char **"]);
  inheritStandardDescriptors();
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  execve(path, [...args, null], [...variables, null]);
  throw systemError("executor", `cannot start ${path} again`);
}
