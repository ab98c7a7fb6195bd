import { UsageError } from "../errors.ts";
import type { TypedArray, TypedArrayConstructor, TypedArrayOf } from "../runtime-memory/typed-array.ts";
import type { NoTypes } from "../signature/inferred.ts";
import type { TypeTable } from "../signature/native-type.ts";
import { Instance } from "./instance.ts";
import { type InstanceRecipe, linkInstance } from "./link-instance.ts";
import type { Module } from "./module.ts";
import type { NativeFunctions, Signatures } from "./native-functions.ts";
import { poolFunction } from "./pool-function.ts";
import { Member } from "./pool-member.ts";
import type { Session, Siblings } from "./session.ts";

/** How the executors of a pool have got their code: counts, of those that have been replaced as well. */
export interface PoolStats {
  /** Executors whose code and data were copied from what had been linked for another one. */
  readonly copied: number;
  /** Executors for which it was linked: the first, and those that were not like it. */
  readonly linked: number;
}

/** How a pool was made, for itself. */
export interface PoolParts {
  readonly recipe: InstanceRecipe;
  readonly siblings: Siblings;
  /** Not linked into yet. */
  readonly first: Session<true>;
  readonly size: number;
}

/**
 * Executors with the same module in each, linked once and copied. Calls go to the one with the fewest calls outstanding. One that ends (a crash,
 * exit(), a time limit) fails its own calls only, and another takes its place.
 */
export class Pool<E extends Signatures = Signatures, T extends TypeTable = NoTypes> {
  /** What runs in each executor. */
  readonly module: Module;
  /** The functions for which `createPool` was given signatures; each call runs in one of the executors. */
  readonly exports: NativeFunctions<E, true, T>;
  readonly #recipe: InstanceRecipe;
  readonly #siblings: Siblings;
  readonly #first: Session<true>;
  #members: Member[] = [];
  /** Those that end when their calls have been answered. */
  readonly #leaving = new Set<Member>();
  /** Whose turn it is among equals. */
  #turn = 0;
  #copied = 0;
  #linked = 0;
  #resizing: Promise<void> = Promise.resolve();
  #disposing: Promise<void> | undefined;

  private constructor({ recipe, siblings, first }: PoolParts) {
    this.module = recipe.module;
    this.#recipe = recipe;
    this.#siblings = siblings;
    this.#first = first;
    const functions = Object.keys(recipe.signatures).map((name) => [name, poolFunction(name, () => this.#pick())]);
    this.exports = Object.freeze(Object.fromEntries(functions));
  }

  /** @internal Links into the first executor and copies to the others. Errors: as of `createPool`. */
  static async open<E extends Signatures, T extends TypeTable>(parts: PoolParts): Promise<Pool<E, T>> {
    const pool = new Pool<E, T>(parts);
    try {
      pool.#members.push(await pool.#makeMember(parts.first));
      await pool.resize(parts.size);
      return pool;
    } catch (error) {
      await pool.dispose();
      throw error;
    }
  }

  /** The module in each executor, to view its variables or to call a function in all of them. */
  get members(): readonly Instance<E, true, T>[] {
    return this.#members.map(({ instance }) => instance as unknown as Instance<E, true, T>);
  }

  /** Number of executors. */
  get size(): number {
    return this.#members.length;
  }

  /** How the executors have got their code. */
  get stats(): PoolStats {
    return { copied: this.#copied, linked: this.#linked };
  }

  /**
   * A typed array of `length` elements, all zero, in memory that all executors and this process have, at the same address in each: also in those
   * that come later, until it is freed or the pool disposed. (`members[i].session.allocate` gives memory of one of them.) Errors: RangeError for a
   * length that no array has, code "memory" when there is no more; UsageError where memory is not shared.
   */
  async allocate<C extends TypedArrayConstructor>(type: C, length: number): Promise<TypedArrayOf<C>> {
    if (this.#disposing !== undefined) throw new UsageError("the pool has been disposed");
    return this.#siblings.memory.allocate(type, length);
  }

  /** Gives back what `allocate` gave; nobody may use it any more. Errors: UsageError for any other array. */
  async free(array: TypedArray): Promise<void> {
    return this.#siblings.memory.free(array);
  }

  /**
   * Starts more executors, or ends the last ones when their calls have been answered; how those end concerns nobody. Errors: RangeError for a size
   * below 1; as of `createPool` when one cannot be started, with the pool as large as it was.
   */
  async resize(size: number): Promise<void> {
    if (!(Number.isSafeInteger(size) && size >= 1))
      throw new RangeError(`a pool of ${size}: it has at least 1 executor`);
    if (this.#disposing !== undefined) throw new UsageError("the pool has been disposed");
    const resized = this.#resizing.then(() => this.#resize(size));
    this.#resizing = resized.catch(() => {});
    return resized;
  }

  /**
   * Runs what the module has left to be run at its end in every executor, and ends them; calls that are outstanding fail. Errors: ExecutorError
   * when it is that code that ends an executor, after all of them have been ended.
   */
  dispose(): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #dispose(): Promise<void> {
    try {
      const leaving = [...this.#leaving].map((member) => member.dispose());
      const left = await Promise.allSettled([this.#resizing, ...leaving]);
      const members = this.#members.splice(0);
      const ends = members.length > 0 ? members.map((member) => member.dispose()) : [this.#first.end()];
      throwFirst([...left, ...(await Promise.allSettled(ends))]);
    } finally {
      this.#siblings.memory.close();
      this.#siblings.templates.dispose();
    }
  }

  /** `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #resize(size: number): Promise<void> {
    const surplus = this.#members.splice(size);
    for (const member of surplus) this.#leaving.add(member);
    await Promise.allSettled(surplus.map((member) => member.leave()));
    for (const member of surplus) this.#leaving.delete(member);
    if (this.#disposing !== undefined) return;
    const missing = Array.from({ length: size - this.#members.length }, () => this.#openMember());
    const opened = await Promise.allSettled(missing);
    const members = opened.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const failed = opened.find(({ status }) => status === "rejected");
    if (failed === undefined) this.#members.push(...members);
    else {
      await Promise.allSettled(members.map((member) => member.dispose()));
      throw (failed as PromiseRejectedResult).reason;
    }
  }

  async #openMember(): Promise<Member> {
    const session = await this.#first.openSibling();
    try {
      return await this.#makeMember(session);
    } catch (error) {
      await session.end();
      throw error;
    }
  }

  async #makeMember(session: Session<true>): Promise<Member> {
    const linked = await linkInstance(session, this.#recipe);
    const instance = new Instance({ recipe: this.#recipe, session, linked, ownsSession: true });
    this.#siblings.templates.seal();
    this.#count(instance);
    return new Member(instance, () => this.#count(instance));
  }

  #count({ isCopy }: Instance): void {
    if (isCopy) this.#copied++;
    else this.#linked++;
  }

  /** The member with the fewest calls outstanding; one whose executor has ended only if all have. */
  #pick(): Member {
    if (this.#disposing !== undefined) throw new UsageError("the pool has been disposed");
    const members = this.#members;
    this.#turn = (this.#turn + 1) % members.length;
    let best = members[this.#turn]!;
    for (let i = 0; i < members.length; i++) {
      const member = members[(this.#turn + i) % members.length]!;
      member.replaceIfEnded();
      if (member.load < best.load) best = member;
    }
    return best;
  }
}

/** Errors: the first of those that there are. */
function throwFirst(results: readonly PromiseSettledResult<void>[]): void {
  for (const each of results) if (each.status === "rejected") throw each.reason;
}
