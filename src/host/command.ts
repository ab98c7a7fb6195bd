import { spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { endOfChild, type ProcessEnd } from "./process.ts";

/** A command whose standard input and output are a byte stream; its standard error is ours. */
export interface StreamCommand {
  readonly readable: Readable;
  readonly writable: Writable;
  readonly ended: Promise<ProcessEnd>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a command line with the shell. It ignores what a terminal's keys send: these signals are meant for the program, to which
 * they are carried, and without the command that way would be gone.
 */
export function startStreamCommand(command: string): StreamCommand {
  const child = spawn("/bin/sh", ["-c", `trap '' INT QUIT\n${command}`], { stdio: ["pipe", "pipe", "inherit"] });
  const notStarted = new Promise<ProcessEnd>((resolve) => child.once("error", () => resolve({ status: 127 })));
  const ended = Promise.race([endOfChild(child), notStarted]);
  return { readable: child.stdout, writable: child.stdin, ended, kill: (signal) => void child.kill(signal) };
}
