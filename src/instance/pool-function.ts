import { checkCallOptions } from "./known-options.ts";
import type { CallOptions } from "./native-functions.ts";
import type { Member } from "./pool-member.ts";

type Call = (...values: unknown[]) => unknown;

/** What `IsolatedFunction` is for one member. */
interface MemberFunction {
  (...values: unknown[]): Promise<unknown>;
  sync(...values: unknown[]): unknown;
  with(options: CallOptions): MemberFunction;
}

/** A function whose calls run in one of several executors each; `pick` says in which. */
export function poolFunction(name: string, pick: () => Member, options?: CallOptions): Call {
  const functions = new WeakMap<Member, MemberFunction>();
  const functionOf = (member: Member): MemberFunction => {
    let found = functions.get(member);
    if (found === undefined) {
      const plain = member.instance.exports[name] as unknown as MemberFunction;
      found = options === undefined ? plain : plain.with(options);
      functions.set(member, found);
    }
    return found;
  };
  const form = async (...values: unknown[]): Promise<unknown> => {
    const member = pick();
    member.begin();
    try {
      return await functionOf(member)(...values);
    } finally {
      member.end();
    }
  };
  const sync: Call = (...values) => {
    const member = pick();
    member.begin();
    try {
      return functionOf(member).sync(...values);
    } finally {
      member.end();
    }
  };
  const withMore = (more: CallOptions): Call => {
    checkCallOptions(more);
    return poolFunction(name, pick, { ...options, ...more });
  };
  return Object.assign(form, { sync, async: form, with: withMore });
}
