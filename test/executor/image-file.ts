import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Calls `use` with a new folder under the system's temporary one and removes it afterwards. */
export async function withFolder<T>(use: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "slablink-executor-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Image {
  bytes: Uint8Array;
  start: number;
  size: number;
}

/** Compiles C into a shared object linked at `start`, which is what the loader gets as its hint. */
export function compileImage(source: string, start: number, extra: string[] = []): Promise<Image> {
  return withFolder((folder) => {
    const input = join(folder, "fixture.c");
    const output = join(folder, "fixture.so");
    writeFileSync(input, source);
    const flags = ["-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", `-Wl,-Ttext-segment=0x${start.toString(16)}`, ...extra];
    const { status, stderr } = spawnSync("cc", [...flags, input, "-o", output], { encoding: "utf8" });
    if (status !== 0) throw new Error(`cc: ${stderr}`);
    const bytes = new Uint8Array(readFileSync(output));
    return { bytes, ...span(bytes) };
  });
}

/** The pages that the PT_LOAD segments cover together. */
function span(bytes: Uint8Array): { start: number; size: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u64 = (at: number): number => Number(view.getBigUint64(at, true));
  let start = Number.MAX_SAFE_INTEGER;
  let end = 0;
  for (let i = 0, at = u64(32); i < view.getUint16(56, true); i++, at += view.getUint16(54, true)) {
    if (view.getUint32(at, true) !== 1) continue;
    start = Math.min(start, Math.floor(u64(at + 16) / 4096) * 4096);
    end = Math.max(end, Math.ceil((u64(at + 16) + u64(at + 40)) / 4096) * 4096);
  }
  return { start, size: end - start };
}
