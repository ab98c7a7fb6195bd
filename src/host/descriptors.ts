import { koffi } from "./koffi.ts";

const F_SETFD = 2;

/** Takes close-on-exec off a descriptor, so that programs started from here have it. */
export function inheritDescriptor(fd: number): void {
  koffi().load(null).func("fcntl", "int", ["int", "int", "int"])(fd, F_SETFD, 0);
}

/** Node marks its standard descriptors close-on-exec; a program in this process expects its children to have them. */
export function inheritStandardDescriptors(): void {
  for (const fd of [0, 1, 2]) inheritDescriptor(fd);
}
