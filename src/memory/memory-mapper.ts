/** Placeholder until the memory room lands. */
export interface WorkingMemory {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly base: number;
}
