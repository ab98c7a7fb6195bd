import type { LinkedJob } from "./linked-job.ts";
import { type PlacedWord, type WordTarget, writeWords } from "./write-words.ts";

/** @internal A word in the executor that slablink has made to lead to a job: no relocation of linked code, which a job's `uses` would tell of. */
export interface FilledSlot {
  /** Where it leads. */
  readonly target: number;
  /** Takes it for empty from now on; gives what it is to hold. */
  empty(): PlacedWord;
}

/** Empties the slots that lead to these jobs, or to what they define at some addresses, which is about to go. Errors: as `writeWords`. */
export async function emptySlots(
  session: WordTarget,
  jobs: readonly LinkedJob[],
  isAffected: (address: number) => boolean = () => true,
): Promise<void> {
  const slots = jobs.flatMap(({ filledSlots }) => [...filledSlots]).filter(({ target }) => isAffected(target));
  // Asked for at once: a moment later the slots themselves may be gone.
  await writeWords(
    session,
    slots.map((slot) => slot.empty()),
  );
}
