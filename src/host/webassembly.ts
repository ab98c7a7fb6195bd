/** A memory of WebAssembly (JavaScript API, "Memories"); shared ones have a SharedArrayBuffer. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** A compiled module; can be posted to other threads, which share its code. */
export type WasmModule = object;

/** The part of WebAssembly's JavaScript API that slablink uses; TypeScript declares it for browsers only. */
export const wasm = (
  globalThis as unknown as {
    WebAssembly: {
      Memory: new (descriptor: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
      Module: new (bytes: Uint8Array) => WasmModule;
      Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
    };
  }
).WebAssembly;
