import type { Contest } from "./contest.ts";
import { calls } from "./contests/calls.ts";
import { links } from "./contests/links.ts";
import { memory } from "./contests/memory.ts";
import { replacements } from "./contests/replacements.ts";

/** All of them, in the table's order. */
export const contests: readonly Contest[] = [...calls, ...memory, ...links, ...replacements];
