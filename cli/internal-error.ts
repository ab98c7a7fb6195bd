import { readFileSync } from "node:fs";

/** What to print for an error that slablink did not raise on purpose. */
export function internalError(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `slablink: internal error (please report it): ${withSourcePlaces(text)}\n`;
}

/** The bundle has short names and few lines: its places in a stack become those of the sources, when its source map is there. */
function withSourcePlaces(stack: string): string {
  const [, bundle] = /\(?([^\s(]+\.cjs):\d+:\d+/.exec(stack) ?? [];
  if (bundle === undefined) return stack;
  try {
    const { SourceMap } = process.getBuiltinModule("node:module");
    const map = new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, "utf8")));
    return stack.replaceAll(/[^\s(]+\.cjs:(\d+):(\d+)/g, (place, line, column) => {
      // The map counts from 0.
      const entry = map.findEntry(Number(line) - 1, Number(column) - 1);
      if (!("originalSource" in entry)) return place;
      return `${entry.originalSource.replace(/^(\.\.\/)+/, "")}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    });
  } catch {
    return stack;
  }
}
