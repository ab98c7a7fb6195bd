/** What a signal without a name is called: the real-time signals have none here. */
const NAMELESS = /^signal ([0-9]+)$/;

/** The name of a signal, the first of several: SIGABRT, not SIGIOT. One without a name is `signal 35`. */
export function signalName(number: number): string {
  return Object.entries(signals()).find(([, each]) => each === number)?.[0] ?? `signal ${number}`;
}

/** The number of a signal by what `signalName` calls it, 0 if this system has none of that name. */
export function signalNumber(name: string): number {
  return signals()[name] ?? Number(NAMELESS.exec(name)?.[1] ?? 0);
}

function signals(): Record<string, number> {
  return process.getBuiltinModule("node:os").constants.signals;
}
