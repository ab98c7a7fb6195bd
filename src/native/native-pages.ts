import { writeSync } from "node:fs";
import { MapFlag, mapMemory, PAGE_SIZE, Protection } from "../host/mapping.ts";
import { createMemfd } from "../host/memfd.ts";
import { closeNative } from "../host/native-descriptor.ts";

/** Zeroed pages for `size` bytes of data, readable and writable; answers their address. */
export function mapPages(size: number): number {
  const protection = Protection.read | Protection.write;
  return mapMemory({ size, protection, flags: MapFlag.private | MapFlag.anonymous });
}

/** A page of code, at most PAGE_SIZE bytes; written through its file, so that no page is ever writable and executable. */
export function mapCode(code: Uint8Array): number {
  const fd = createMemfd("slablink-shim", PAGE_SIZE);
  try {
    writeSync(fd, code, 0, code.length, 0);
    return mapMemory({ size: PAGE_SIZE, protection: Protection.read | Protection.exec, flags: MapFlag.shared, fd });
  } finally {
    closeNative(fd);
  }
}
