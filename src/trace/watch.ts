import type { SpanArguments } from "./span.ts";
import type { Tracer } from "./tracer.ts";
import { shortName } from "./wrapper-name.ts";

interface Description {
  readonly name?: string;
  readonly args?: SpanArguments;
}

/** What is done natively in this process, and what its spans tell of the call. All of it is over when the call returns. */
const WATCHED: Record<string, (...values: never[]) => Description> = {
  openLibrary: (path: string) => ({ name: "open library", args: { path } }),
  resolve: (_handle: number, names: readonly string[]) => ({ args: { names: names.length } }),
  callWrapperSync: (name: string) => ({ name: `action ${shortName(name)}` }),
  loadImage: (image: { readonly size: number }) => ({ name: "image load", args: { bytes: image.size } }),
  unloadImage: () => ({ name: "image unload" }),
  reserve: (size: number) => ({ name: "slab reserve", args: { bytes: size } }),
  initialize: (info: { readonly segments: readonly unknown[] }) => ({ args: { segments: info.segments.length } }),
  instantiate: () => ({ name: "instantiate kernel" }),
  deinitialize: (keys: readonly number[]) => ({ args: { keys: keys.length } }),
};

const watched = new WeakSet<object>();

/**
 * Makes each call of what works natively in this process (`InProcessExecutorProcessControl`, `InProcessMemoryMapper`, `kernelCode`) a span. Done
 * from outside, so that nothing in there has to look whether anybody listens.
 */
export function watchCalls(tracer: Tracer, target: object): void {
  if (watched.has(target)) return;
  watched.add(target);
  const methods = target as Record<string, ((...values: never[]) => unknown) | undefined>;
  for (const [method, describe] of Object.entries(WATCHED)) {
    const original = methods[method];
    if (original === undefined) continue;
    const value = (...values: never[]): unknown => {
      const { name = method, args } = describe(...values);
      return tracer.measure(name, () => original.apply(target, values), args);
    };
    Object.defineProperty(target, method, { value });
  }
}
