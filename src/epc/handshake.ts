/*
 * How an executor that listens lets a controller in, before the first frame. Lines of ASCII, each ended by one line feed:
 *
 *   executor    slablink-executor 1 peer-user                 over a Unix socket: the kernel says whose the controller is
 *   executor    slablink-executor 1 hmac-sha-256 NONCE        over TCP
 *   controller  NONCE' MAC(secret, controller, NONCE, NONCE') exactly 129 characters and the line feed
 *   executor    welcome MAC(secret, executor, NONCE', NONCE)
 *   executor    slablink-executor 1 refused REASON            instead of any of its lines
 *
 * A nonce is 32 random bytes in hexadecimal. The role and both nonces are part of what is authenticated, so that neither side's proof
 * can be handed back to it, and none serves twice. The controller proves itself first: who only connects learns nothing that could
 * be tried against a list of guesses.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const NAME = "slablink-executor 1";
const HEX_64 = /^[0-9a-f]{64}$/;

/** Size in bytes of the controller's answer. */
export const ANSWER_SIZE = 130;
/** The longest line that an executor sends. */
export const LINE_SIZE = 512;

/** The executor's first line, by how it finds out who a controller is. */
export type Greeting =
  | { readonly kind: "peer-user" }
  | { readonly kind: "hmac-sha-256"; readonly nonce: string }
  | { readonly kind: "refused"; readonly reason: string };

/** A fresh nonce. */
export function makeNonce(): string {
  return randomBytes(32).toString("hex");
}

/** The line of a greeting. */
export function greetingLine(greeting: Greeting): string {
  const detail =
    greeting.kind === "peer-user" ? "" : ` ${greeting.kind === "refused" ? greeting.reason : greeting.nonce}`;
  return `${NAME} ${greeting.kind}${detail}\n`;
}

/** Reads a greeting without its line feed; undefined when it is none. */
export function parseGreeting(line: string): Greeting | undefined {
  if (line === `${NAME} peer-user`) return { kind: "peer-user" };
  if (line.startsWith(`${NAME} refused `)) return { kind: "refused", reason: line.slice(NAME.length + 9) };
  const nonce = line.slice(NAME.length + 14);
  return line === `${NAME} hmac-sha-256 ${nonce}` && HEX_64.test(nonce) ? { kind: "hmac-sha-256", nonce } : undefined;
}

/** The controller's answer to the executor's nonce, and what it expects then. */
export function answerTo(nonce: string, secret: Uint8Array, own = makeNonce()): { answer: string; welcome: string } {
  return {
    answer: `${own} ${mac(secret, "controller", nonce, own)}\n`,
    welcome: `welcome ${mac(secret, "executor", own, nonce)}\n`,
  };
}

/** The executor's welcome for an answer to its nonce; undefined when that does not prove the secret. */
export function welcomeFor(answer: string, nonce: string, secret: Uint8Array): string | undefined {
  const [theirs = "", proof = ""] = [answer.slice(0, 64), answer.slice(65, 129)];
  if (answer !== `${theirs} ${proof}\n` || !HEX_64.test(theirs) || !HEX_64.test(proof)) return undefined;
  if (!isSame(proof, mac(secret, "controller", nonce, theirs))) return undefined;
  return `welcome ${mac(secret, "executor", theirs, nonce)}\n`;
}

/** Compares in a time that does not depend on where the two differ. */
export function isSame(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}

function mac(secret: Uint8Array, role: string, first: string, second: string): string {
  return createHmac("sha256", secret).update(`${NAME} ${role} ${first} ${second}`).digest("hex");
}
