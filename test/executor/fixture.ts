import { OURS, type RawController } from "./controller.ts";
import type { Image } from "./image-file.ts";
import { reserveSlab, symbol } from "./requests.ts";
import { sps } from "./sps.ts";

export * from "./image-file.ts";

export const SLAB = 0x50000000;
export const SLAB_SIZE = 0x4000000;

export interface LoadOptions {
  source?: number;
  sourceSize?: number;
  results?: number;
  resultCount?: number;
}

export async function loadImage(
  controller: RawController,
  image: Image,
  { source = 0, sourceSize = 0, results = 0, resultCount = 0 }: LoadOptions = {},
): Promise<{ handle: number; results: number[] }> {
  const args = sps().u64(image.start).u64(image.size).sequence(image.bytes);
  args.u64(source).u64(sourceSize).u64(results).u64(resultCount);
  return (await controller.call(`${OURS}image_load`, args)).expected((r) => ({
    handle: r.u64(),
    results: Array.from({ length: r.u64() }, () => r.u64()),
  }));
}

export async function unloadImage(controller: RawController, handle: number): Promise<void> {
  (await controller.call(`${OURS}image_unload`, sps().u64(handle))).success();
}

/** Loads C code into the controller's executor; the result finds the addresses of its functions and data. */
export async function loadCode(controller: RawController, image: Image): Promise<(name: string) => Promise<number>> {
  await reserveSlab(controller, SLAB, SLAB_SIZE);
  await loadImage(controller, image);
  return (name) => symbol(controller, name);
}
