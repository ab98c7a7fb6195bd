import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, createPool, instantiate, Session } from "slablink";

const source = { name: "f.c", source: "int f(void) { return 1; }" };
const exports = { f: "int f(void)" } as const;
// As JavaScript may: the types would not let it.
const misspelt = { isolate: true } as object;

test("an option that there is not is refused, with the names of those that there are", async () => {
  const message = (who: string) => new RegExp(`^${who}: there is no option isolate; the options are .*isolated`);
  await assert.rejects(instantiate(source, misspelt), { code: "usage", message: message("instantiate") });
  await assert.rejects(Session.open(misspelt), { code: "usage", message: message("Session\\.open") });
  await assert.rejects(compile(source, misspelt), { code: "usage", message: /^compile: there is no option isolate; / });
  await assert.rejects(createPool(source, misspelt), {
    code: "usage",
    message: /^createPool: there is no option isolate; /,
  });
  await assert.rejects(createPool(source, { restart: true, link: [] } as object), {
    message: /no option restart, link;/,
  });
  await using instance = await instantiate(source, { isolated: true, exports, replaceable: true });
  assert.throws(() => instance.exports.f.with({ timeOut: 5 } as object), {
    code: "usage",
    message: /^with: .* timeOut;/,
  });
  await assert.rejects(instance.replace(source, misspelt), { code: "usage", message: /^replace: .* isolate;/ });
  assert.equal(await instance.exports.f.with({ timeout: 5000 })(), 1);
});

test("a call's limits are checked where they are given; one that never comes, or in a month, ends nothing", async () => {
  await using instance = await instantiate(source, { isolated: true, exports });
  const { f } = instance.exports;
  const refused = (options: unknown, name: string, message: string) =>
    assert.throws(() => f.with(options as object), { name, message });
  refused(undefined, "TypeError", "with: expected an object of options, got undefined");
  refused(null, "TypeError", "with: expected an object of options, got null");
  refused({ timeout: Number.NaN }, "RangeError", "with: timeout: NaN is no number of ms from 0 on");
  refused({ timeout: -1 }, "RangeError", "with: timeout: -1 is no number of ms from 0 on");
  refused({ timeout: "5" }, "TypeError", 'with: timeout: expected a number of ms, got the string "5"');
  refused({ signal: {} }, "TypeError", "with: signal: expected an AbortSignal, got an object (Object)");
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on("warning", note);
  for (const timeout of [Number.POSITIVE_INFINITY, 2 ** 31, 1e300, undefined]) {
    assert.equal(await f.with({ timeout })(), 1);
    assert.equal(f.with({ timeout }).sync(), 1);
  }
  await new Promise(setImmediate); // warnings are told of in a later turn
  process.off("warning", note);
  assert.deepEqual(warnings, []);
});

test("every option that there is may be given, undefined as well", async () => {
  const session = undefined;
  const compiling = { environment: process.env, flags: ["-O1"], libraryDirectories: [] };
  const opening = {
    isolated: true,
    executor: undefined,
    memory: "shared",
    placement: "low",
    slabSize: 2 ** 26,
    threads: 1,
  } as const;
  const linking = {
    session,
    imports: {},
    link: [],
    exports,
    symbols: [],
    replaceable: false,
    types: {},
    restart: true,
    trace: undefined,
  };
  await using instance = await instantiate(source, { ...compiling, ...opening, ...linking });
  assert.equal(await instance.exports.f(), 1);
});
