import { type Koffi, koffi, type NativeFunction } from "./koffi.ts";

let ready: Koffi | undefined;

/**
 * A function at an address as koffi's own kind of function: the way to call it often, for its making costs 20 µs. It runs on this thread, on
 * koffi's stack. koffi keeps 2 KB for each as long as the process lives, so one is made for an address and kept.
 * @param result and parameters are koffi's names of types
 */
export function nativeFunction(address: number, result: string, parameters: readonly string[]): NativeFunction {
  if (ready === undefined) {
    ready = koffi();
    // koffi makes its stack when it first loads something, and crashes without.
    ready.load(null);
  }
  return ready.decode(address, ready.proto(result, [...parameters]));
}
