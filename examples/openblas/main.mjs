// Multiplies matrices with OpenBLAS in a process of its own, over shared memory and over copies.
//     node examples/openblas/main.mjs [SIZE]               (SIZE × SIZE float64; 2000 by default)
import { performance } from "node:perf_hooks";
import { instantiate } from "slablink";

const size = Number(process.argv[2] ?? 2000);
const ROUNDS = 3;
/** cblas.h */
const ROW_MAJOR = 101;
const NO_TRANSPOSE = 111;

const started = performance.now();
const blas = await instantiate(["-l:libopenblas.a"], {
  isolated: true,
  exports: {
    cblas_dgemm:
      "void cblas_dgemm(int order, int transA, int transB, int m, int n, int k, double alpha, const double *a, int lda, " +
      "const double *b, int ldb, double beta, double *c, int ldc)",
    openblas_get_config: "const char *openblas_get_config(void)",
  },
});
try {
  const { exports, session } = blas;
  console.log(`${await exports.openblas_get_config()}`);
  console.log(`linked in ${ms(performance.now() - started)}`);

  const elements = size * size;
  const [a, b, c] = await Promise.all(Array.from({ length: 3 }, () => session.allocate(Float64Array, elements)));
  for (let i = 0; i < elements; i++) {
    a[i] = ((i * 31) % 17) - 8;
    b[i] = ((i * 13) % 19) - 9;
  }
  await multiply();

  // JavaScript's own arrays, where a program's data often are: copied in, and the product copied out.
  const [ownA, ownB, ownC] = [a.slice(), b.slice(), new Float64Array(elements)];
  const shared = [];
  const copied = [];
  for (let round = 0; round < ROUNDS; round++) {
    shared.push(await time(multiply));
    copied.push(
      await time(async () => {
        a.set(ownA);
        b.set(ownB);
        await multiply();
        ownC.set(c);
      }),
    );
  }
  console.log(
    `${size} × ${size} times ${size} × ${size}, ${((a.byteLength * 3) / 1e6).toFixed(0)} MB in three matrices`,
  );
  console.log(`shared: ${ms(Math.min(...shared))}`);
  console.log(`copied: ${ms(Math.min(...copied))}`);
  console.log(check() ? "the product is right" : "the product is wrong");

  function multiply() {
    return exports.cblas_dgemm(
      ROW_MAJOR,
      NO_TRANSPOSE,
      NO_TRANSPOSE,
      size,
      size,
      size,
      1,
      a,
      size,
      b,
      size,
      0,
      c,
      size,
    );
  }

  /** Some elements of the product, by the definition; small integers make it exact. */
  function check() {
    for (let i = 0; i < elements; i += Math.ceil(elements / 97)) {
      const [row, column] = [Math.floor(i / size), i % size];
      let sum = 0;
      for (let k = 0; k < size; k++) sum += a[row * size + k] * b[k * size + column];
      if (sum !== c[i] || sum !== ownC[i]) return false;
    }
    return true;
  }
} finally {
  await blas.dispose();
}

async function time(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function ms(time) {
  return `${time.toFixed(1)} ms`;
}
