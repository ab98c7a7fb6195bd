/** Names shorter than this differ in too much of themselves. */
const SHORT = 3;

/** At most three of `names` that differ from `name` in few characters, the nearest first. */
export function nearNames(name: string, names: Iterable<string>): string[] {
  const most = Math.max(1, Math.floor(name.length / SHORT));
  const near: { readonly other: string; readonly difference: number }[] = [];
  for (const other of names) {
    if (Math.abs(other.length - name.length) > most) continue;
    const difference = differenceOf(name, other);
    if (difference <= most) near.push({ other, difference });
  }
  near.sort((a, b) => a.difference - b.difference || (a.other < b.other ? -1 : 1));
  return near.slice(0, 3).map(({ other }) => other);
}

/** Characters to insert, to delete or to exchange to make one name of the other (Levenshtein). */
function differenceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(exchanged, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
