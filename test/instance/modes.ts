import { Session, type SessionOptions } from "slablink";

/** Where code may run, and how contents get there. */
export const modes = {
  "in this process": { isolated: false },
  isolated: { isolated: true },
  "isolated, by messages": { isolated: true, memory: "rpc" },
} as const satisfies Record<string, SessionOptions>;

/** A name of a mode. */
export type Mode = keyof typeof modes;

/** Their names. */
export const everyMode = Object.keys(modes) as readonly Mode[];
/** Those in which code has a process of its own. */
export const isolatedModes = ["isolated", "isolated, by messages"] as const satisfies readonly Mode[];

/** A session in a mode, whose type says nothing about it. */
export function openSession(mode: Mode, options: SessionOptions = {}): Promise<Session> {
  return Session.open({ ...options, ...modes[mode] }) as Promise<Session>;
}
