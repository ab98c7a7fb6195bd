import assert from "node:assert/strict";
import { test } from "node:test";
import {
  findSymbols,
  LoadFlag,
  loadBias,
  loadLibrary,
  RTLD_DEFAULT,
  unloadLibrary,
} from "../../src/host/dynamic-loader.ts";
import { readMaps } from "../../src/host/maps.ts";

test("symbols of the process: found, absent, empty, with a NUL inside, with any characters", () => {
  const names = ["malloc", "no_such_symbol", "", "malloc\0x", "héllo", "free", "malloc"];
  const [malloc, absent, empty, nul, accented, free, again] = findSymbols(RTLD_DEFAULT, names);
  assert.ok(malloc > 0 && free > 0);
  assert.deepEqual([absent, empty, nul, accented, again], [0, 0, 0, 0, malloc]);
  assert.equal(findSymbols(RTLD_DEFAULT, []).length, 0);
});

test("a library has its own symbols and a bias where it is mapped", () => {
  const handle = loadLibrary("libm.so.6", LoadFlag.now);
  const [cos] = findSymbols(handle, ["cos"]);
  assert.ok(cos > 0);
  const bias = loadBias(handle);
  const mapped = readMaps().filter(({ path }) => path.includes("libm.so.6"));
  assert.equal(bias, mapped[0].start);
  unloadLibrary(handle);
});

test("a library that cannot be loaded is named, with the loader's reason", () => {
  assert.throws(() => loadLibrary("/no/such/library.so", LoadFlag.now), {
    code: "file",
    message: /^\/no\/such\/library\.so: cannot open shared object file/,
  });
});

test("thousands of names are looked up at once", () => {
  const names = Array.from({ length: 5000 }, (_, i) => (i % 2 === 0 ? "free" : `absent_${i}`));
  const addresses = findSymbols(RTLD_DEFAULT, names);
  assert.ok(addresses.every((address, i) => address > 0 === (i % 2 === 0)));
});
