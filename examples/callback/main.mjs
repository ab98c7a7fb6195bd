// The C library's qsort calls JavaScript to compare, from this process and from one of its own.
//     node examples/callback/main.mjs
import { compile, instantiate } from "slablink";

const module = await compile(new URL("cities.c", import.meta.url));
for (const isolated of [false, true]) {
  console.log(isolated ? "in a process of its own" : "in this process");
  const instance = await instantiate(module, {
    isolated,
    exports: {
      sort_cities: "void sort_cities(int (*by)(const char *, const char *))",
      city: "const char *city(int)",
      qsort: "void qsort(void *, size_t, size_t, int (*by)(const void *, const void *))",
    },
  });
  try {
    await sortCities(instance.exports);
    await sortNumbers(instance);
    await refuse(instance.exports);
  } finally {
    await instance.dispose();
  }
}

/** By what JavaScript knows and C does not: the alphabets of languages. Text comes as strings. */
async function sortCities({ sort_cities, city }) {
  for (const language of ["de", "sv"]) {
    const { compare } = new Intl.Collator(language);
    await sort_cities(compare);
    const names = [];
    for (let name = await city(0); name !== null; name = await city(names.length)) names.push(name);
    console.log(`  ${language}: ${names.join(" ")}`);
  }
}

/** By qsort itself, which passes addresses: some lie in the array, some in memory of its own. */
async function sortNumbers({ session, memory, exports }) {
  const numbers = await session.allocate(Int32Array, 12);
  numbers.set(numbers.map((_, i) => (i * 7919) % 101));
  let comparisons = 0;
  const at = (address) => new DataView(memory.read(address, 4).buffer).getInt32(0, true);
  await exports.qsort(numbers, numbers.length, numbers.BYTES_PER_ELEMENT, (left, right) => {
    comparisons++;
    return at(left) - at(right);
  });
  console.log(`  ${numbers.join(" ")} after ${comparisons} comparisons`);
}

/** What JavaScript throws, the call throws. */
async function refuse({ sort_cities }) {
  try {
    await sort_cities((left) => {
      throw new RangeError(`${left} cannot be compared`);
    });
  } catch (error) {
    console.log(`  ${error.name}: ${error.message}`);
  }
}
