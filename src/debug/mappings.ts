/** A line of /proc/PID/maps (proc(5)). */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  /** `r-xp` */
  readonly permissions: string;
  /** Of the file. */
  readonly offset: number;
  readonly inode: number;
  /** A file, `[stack]` and the like, or empty. */
  readonly path: string;
}

const LINE = /^([0-9a-f]{1,13})-([0-9a-f]{1,13}) ([r-][w-][x-][ps]) ([0-9a-f]{1,13}) \S+ (\d{1,15}) *(.*)$/;

/** The lines that are whole and beyond doubt. */
export function parseMappings(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of text.split("\n")) {
    const [, start, end, permissions, offset, inode, path] = LINE.exec(line) ?? [];
    if (start === undefined) continue;
    const at = { start: Number.parseInt(start, 16), end: Number.parseInt(end!, 16) };
    const file = { offset: Number.parseInt(offset!, 16), inode: Number(inode), path: path! };
    mappings.push({ ...at, permissions: permissions!, ...file });
  }
  return mappings;
}

/** The mapping that holds an address. */
export function mappingAt(mappings: readonly Mapping[], address: number): Mapping | undefined {
  return mappings.find(({ start, end }) => address >= start && address < end);
}
