import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ANSWER_SIZE, greetingLine, makeNonce, welcomeFor } from "../src/epc/handshake.ts";
import { peerUser } from "../src/host/peer-user.ts";
import { GuessLimit } from "./guess-limit.ts";

/** For the controller's answer, in ms. */
const ANSWER_LIMIT = 10_000;
/** Connections that have not proved anything yet, in all and of one address. */
const MOST_STRANGERS = 32;
const MOST_STRANGERS_OF_ONE = 4;
/** Who is refused is to be able to read why, for so long in ms. */
const REFUSAL_LIMIT = 1_000;

/** Lets controllers in by the handshake of src/epc/handshake.ts. */
export class Door {
  readonly #secret: Uint8Array | undefined;
  readonly #guesses = new GuessLimit();
  readonly #strangers = new Map<string, number>();
  #strangerCount = 0;

  /** Without a secret, for Unix sockets: the user at the other end must be ours. */
  constructor(secret: Uint8Array | undefined) {
    this.#secret = secret;
  }

  /** Whether the controller may be given an executor; `log` is told why not. A refused socket is closed. */
  async admit(socket: Socket, log: (text: string) => void): Promise<boolean> {
    const address = socket.remoteAddress ?? "";
    const ofOne = this.#strangers.get(address) ?? 0;
    const isTooMany = this.#secret !== undefined && ofOne >= MOST_STRANGERS_OF_ONE;
    if (this.#strangerCount >= MOST_STRANGERS || isTooMany) {
      log("refused: too many connections that have proved nothing");
      refuse(socket, "too many connections that have proved nothing");
      return false;
    }
    this.#strangerCount++;
    this.#strangers.set(address, ofOne + 1);
    try {
      const reason =
        this.#secret === undefined ? checkUser(socket) : await this.#checkSecret(socket, this.#secret, address);
      if (reason === undefined) return true;
      log(`refused: ${reason}`);
      refuse(socket, reason);
      return false;
    } finally {
      this.#strangerCount--;
      const left = this.#strangers.get(address)! - 1;
      if (left > 0) this.#strangers.set(address, left);
      else this.#strangers.delete(address);
    }
  }

  async #checkSecret(socket: Socket, secret: Uint8Array, address: string): Promise<string | undefined> {
    for (let wait = this.#guesses.waitOf(address); wait > 0; wait = this.#guesses.waitOf(address)) {
      await sleep(wait);
      if (socket.destroyed) return "closed the connection";
    }
    const nonce = makeNonce();
    socket.write(greetingLine({ kind: "hmac-sha-256", nonce }));
    const answer = await readExactly(socket, ANSWER_SIZE, ANSWER_LIMIT);
    if (typeof answer !== "string") return answer.reason;
    const welcome = welcomeFor(answer, nonce, secret);
    if (welcome === undefined) {
      await sleep(this.#guesses.wrong(address));
      return "wrong secret";
    }
    this.#guesses.right(address);
    await new Promise<void>((resolve) => socket.write(welcome, () => resolve()));
    return undefined;
  }
}

/** Refuses a controller with a reason that it can read. */
export function refuse(socket: Socket, reason: string): void {
  if (socket.destroyed) return;
  socket.end(greetingLine({ kind: "refused", reason }));
  socket.resume();
  setTimeout(() => socket.destroy(), REFUSAL_LIMIT).unref();
}

function checkUser(socket: Socket): string | undefined {
  const [user, own] = [peerUser(socket), process.getuid!()];
  if (user !== own) return `user ${user} is not user ${own}`;
  socket.write(greetingLine({ kind: "peer-user" }));
  return undefined;
}

/** Text of exactly so many bytes. More of them, or fewer within `limit` ms, are a reason to refuse. */
function readExactly(socket: Socket, size: number, limit: number): Promise<string | { reason: string }> {
  return new Promise((resolve) => {
    let seen = Buffer.alloc(0);
    const done = (result: string | { reason: string }): void => {
      clearTimeout(late);
      socket.off("data", take).off("close", closed).off("end", closed);
      resolve(result);
    };
    const late = setTimeout(() => done({ reason: `no answer within ${limit / 1000} s` }), limit);
    const closed = (): void => done({ reason: "closed the connection" });
    const take = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk]);
      if (seen.length > size) done({ reason: `sent more than the ${size} bytes of an answer` });
      else if (seen.length === size) {
        // What comes next is for the executor.
        socket.pause();
        done(seen.toString("latin1"));
      }
    };
    socket.on("data", take).on("close", closed).on("end", closed);
    socket.resume();
  });
}
