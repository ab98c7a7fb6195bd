import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { objectOf } from "../support/source.ts";
import { callInt, readerOf, sessionFor, until, ways } from "./sessions.ts";

const functions = "int one(void) { return 1; }\nint two(void) { return 2; }\nint three(void) { return 3; }\n";
const caller = `
int value(void), other(void);
int (*volatile pointer)(void) = value;
int call(void) { return value(); }
int call_pointer(void) { return pointer(); }
int call_other(void) { return other(); }
int same(void) { return pointer == value; }
`;

for (const way of Object.keys(ways) as (keyof typeof ways)[]) {
  describe(`redirectable symbols ${way}`, () => {
    for (const flags of [["-O2"], ["-O2", "-fPIC"], ["-O2", "-fno-pic", "-mcmodel=large"]]) {
      test(`lead elsewhere when they are told to: ${flags.join(" ")}`, async (context) => {
        const { session, dylib } = await sessionFor(context, way);
        dylib.addObject(readerOf(await objectOf(functions, flags), "functions.o"));
        const { one } = Object.fromEntries(await session.lookup(dylib, ["one"]));
        const symbols = await session.createRedirectableSymbols(dylib, { value: one!, other: "two" });
        dylib.addObject(readerOf(await objectOf(caller, flags), "caller.o"));
        const names = ["call", "call_pointer", "call_other", "same", "value"];
        const found = Object.fromEntries(await session.lookup(dylib, names));
        const results = async () => {
          const all = [];
          for (const name of names) all.push(await callInt(session, found[name]!));
          return all;
        };
        assert.deepEqual(await results(), [1, 1, 2, 1, 1]);
        await symbols.redirect({ value: "three" });
        assert.deepEqual(await results(), [3, 3, 2, 1, 3]);
        await symbols.redirect({ value: found.call_other!, other: one! });
        assert.deepEqual(await results(), [1, 1, 1, 1, 1]);
        assert.equal(found.value, symbols.address("value"));
      });
    }

    test("keep what their names lead to by name from being removed", async (context) => {
      const { session, dylib } = await sessionFor(context, way);
      const trackers = [];
      for (const name of ["s1", "s2"]) {
        const tracker = dylib.createResourceTracker();
        dylib.addObject(readerOf(await objectOf(`int ${name}(void) { return 1; }\n`), `${name}.o`), { tracker });
        trackers.push(tracker);
      }
      const symbols = await session.createRedirectableSymbols(dylib, { value: "s1", other: "s1" });
      const refused = (name: string) => ({
        name: "StillReferencedError",
        message: new RegExp(`^cannot remove ${name}.o: .*\n>>> ${name} referenced by main-redirectable-[0-9]+$`),
      });
      await symbols.redirect({ value: "s2" });
      await assert.rejects(trackers[0]!.remove(), refused("s1"));
      await assert.rejects(trackers[1]!.remove(), refused("s2"));
      await symbols.redirect({ other: "s2" });
      await trackers[0]!.remove();
      assert.equal(await callInt(session, symbols.address("other")), 1);
      await trackers[1]!.remove({ force: true });
    });

    test("are not removed while linked code refers to them, unless by force", async (context) => {
      const { session, dylib } = await sessionFor(context, way);
      dylib.addObject(readerOf(await objectOf(functions), "functions.o"));
      const symbols = await session.createRedirectableSymbols(dylib, { value: "one", other: "two" });
      const user = session.createJITDylib("user");
      user.addToLinkOrder(dylib);
      user.addObject(readerOf(await objectOf("int value(void); int call(void) { return value(); }\n"), "call.o"));
      const call = (await session.lookup(user, ["call"])).get("call")!;
      await assert.rejects(symbols.remove(), {
        name: "StillReferencedError",
        references: [{ objects: ["call.o"], names: ["value"] }],
      });
      await symbols.redirect({ value: "two" });
      assert.equal(await callInt(session, call), 2);
      await symbols.remove({ force: true });
      assert.equal(dylib.find("value"), undefined);
    });

    test("go with the JITDylib that has their names", async (context) => {
      const { session, dylib } = await sessionFor(context, way);
      dylib.addObject(readerOf(await objectOf(functions), "functions.o"));
      const symbols = await session.createRedirectableSymbols(dylib, { value: "one" });
      await session.removeJITDylib(dylib);
      assert.deepEqual([...session.jobs()], []);
      await symbols.remove();
      await assert.rejects(symbols.redirect({ value: 1 }), { code: "usage", message: /have been removed$/ });
      assert.throws(() => symbols.address("value"), { code: "usage" });
      const late = session.createRedirectableSymbols(dylib, { value: 1 });
      await assert.rejects(late, { code: "usage", message: /^nothing can be defined in the JITDylib main: / });
      assert.deepEqual([...session.jobs()], []);
    });

    test("are refused where a name is not one, or is taken", async (context) => {
      const { session, dylib } = await sessionFor(context, way);
      dylib.addObject(readerOf(await objectOf(functions), "functions.o"));
      const symbols = await session.createRedirectableSymbols(dylib, { value: "one" });
      await assert.rejects(symbols.redirect({ valve: 1 }), { code: "usage", message: /^valve is not redirectable/ });
      await assert.rejects(symbols.redirect({ value: "four" }), { code: "undefined-symbol", message: /four/ });
      await assert.rejects(session.createRedirectableSymbols(dylib, { two: "one" }), { code: "usage" });
      await assert.rejects(session.createRedirectableSymbols(dylib, {}), { code: "usage" });
      assert.equal(await callInt(session, symbols.address("value")), 1);
      await symbols.remove();
      await assert.rejects(symbols.redirect({ value: "two" }), { message: /have been removed/ });
      assert.equal(dylib.find("value"), undefined);
    });

    test("are made once by calls that go on side by side, and not where a definition is linked meanwhile", async (context) => {
      const { session, dylib } = await sessionFor(context, way);
      dylib.addObject(readerOf(await objectOf(functions), "functions.o"));
      const [first, second] = await Promise.allSettled([
        session.createRedirectableSymbols(dylib, { value: "one" }),
        session.createRedirectableSymbols(dylib, { other: 1, value: 2 }),
      ]);
      assert.equal(first!.status, "fulfilled");
      assert.equal(second!.status, "rejected");
      assert.match(second!.reason.message, /^value cannot become redirectable: /);
      assert.equal(dylib.find("other"), undefined);
      await session.createRedirectableSymbols(dylib, { other: "two" });
      dylib.addObject(readerOf(await objectOf("int late(void) { return 5; }"), "late.o"));
      await assert.rejects(session.createRedirectableSymbols(dylib, { late: "abs" }), { code: "usage" });
      assert.equal(await callInt(session, dylib.find("late")!), 5);
      const symbols = await session.createRedirectableSymbols(dylib, { more: "one" });
      await assert.rejects(symbols.redirect({ more: 0.5 }), { code: "usage", message: /^more: 0\.5 is no address/ });
      assert.equal(await callInt(session, symbols.address("more")), 1);
    });
  });
}

const spinning = `#include <pthread.h>
int value(void);
static volatile int running = 1, wrong;
static volatile unsigned calls;
static pthread_t threads[2];
static void *work(void *unused) {
  while (running) { int got = value(); if (got != 1 && got != 2) wrong++; __atomic_add_fetch(&calls, 1, 5); }
  return unused;
}
int begin(void) { for (int i = 0; i < 2; i++) pthread_create(&threads[i], 0, work, 0); return 0; }
int progress(void) { return calls & 0x7fffffff; }
int end(void) { running = 0; for (int i = 0; i < 2; i++) pthread_join(threads[i], 0); return wrong; }
`;

test("a name is redirected 1,000 times while two threads call it", async (context) => {
  const { session, dylib } = await sessionFor(context);
  dylib.addObject(readerOf(await objectOf(functions), "functions.o"));
  const symbols = await session.createRedirectableSymbols(dylib, { value: "one" });
  dylib.addObject(readerOf(await objectOf(spinning), "spinning.o"));
  const found = Object.fromEntries(await session.lookup(dylib, ["begin", "progress", "end", "one", "two"]));
  await callInt(session, found.begin!);
  await until(async () => (await callInt(session, found.progress!)) > 0);
  for (let i = 0; i < 1000; i++) await symbols.redirect({ value: i % 2 === 0 ? found.two! : found.one! });
  assert.equal(await callInt(session, found.end!), 0);
});
