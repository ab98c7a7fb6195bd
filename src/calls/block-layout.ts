import type { CallLayout } from "../signature/call-layout.ts";

export type { PointerContext } from "../signature/pointer-context.ts";

/** How a call's values lie in its block: the part of a `CallLayout` that a channel needs. */
export type BlockLayout = Pick<
  CallLayout,
  "blockSize" | "encodeArguments" | "decodeResult" | "decodeArguments" | "encodeResult"
>;
