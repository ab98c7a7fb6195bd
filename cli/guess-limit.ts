/** What the first wrong secret of an address costs, in ms; each further one doubles it. */
const FIRST = 250;
const MOST = 30_000;
/** Addresses that are remembered; more at once and the oldest is forgotten. */
const REMEMBERED = 1024;

/** Makes wrong secrets cost time, by the address that they come from. */
export class GuessLimit {
  readonly #known = new Map<string, { wrong: number; until: number }>();

  /** How long an address is to wait before it may try, in ms. */
  waitOf(address: string, now = Date.now()): number {
    return Math.max(0, (this.#known.get(address)?.until ?? 0) - now);
  }

  /** Notes a wrong secret; gives what it costs in ms. Guesses side by side add up. */
  wrong(address: string, now = Date.now()): number {
    const { wrong, until } = this.#known.get(address) ?? { wrong: 0, until: 0 };
    const cost = Math.min(FIRST * 2 ** Math.min(wrong, 30), MOST);
    this.#known.delete(address);
    this.#known.set(address, { wrong: wrong + 1, until: Math.min(Math.max(now, until) + cost, now + MOST) });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(oldest);
    }
    return cost;
  }

  /** The address has proved that it knows the secret. */
  right(address: string): void {
    this.#known.delete(address);
  }
}
