/**
 * Calls back once, when nothing is left that keeps Node alive, so that no timer, no stream and no other process can bring anything. The function
 * that is answered takes that back.
 */
export function whenIdle(callback: () => void): () => void {
  process.once("beforeExit", callback);
  return () => process.off("beforeExit", callback);
}
