// C's kinds of numbers and gcc's extensions whose support is in libraries: complex, 128-bit integers and floats, decimal, large atomics, vectors, cloned functions.
// compile: gcc -O0
// compile: gcc -O2 {-fno-pic,-fPIC,-mavx2,-std=gnu2x,-fno-pic -mcmodel=large}
// inputs: numbers.o {-lquadmath -latomic,lib:libquadmath.a lib:libatomic.a} -lm
#include <complex.h>
#include <quadmath.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

typedef int int4 __attribute__((vector_size(16)));
typedef float float8 __attribute__((vector_size(32)));
struct wide {
  char bytes[16];
};
static _Atomic struct wide atomic_bytes;
static _Atomic __int128 atomic_number;
struct odd {
  char bytes[24];
};
static _Atomic struct odd atomic_odd;

__attribute__((noinline)) static void multiply(float8 *to, const float8 *by) { *to = *to * *by + *by; }

__attribute__((target_clones("avx512f", "avx2", "sse4.2", "default"))) int weighted(const int *numbers, int count) {
  int sum = 0;
  for (int i = 0; i < count; i++) sum += numbers[i] * 3;
  return sum;
}

static int jump(int n, int table[n][n]) {
  static void *const labels[] = {&&one, &&ten, &&hundred};
  int sum = 0;
  goto *labels[n % 3];
one:
  sum += 1;
ten:
  sum += 10;
hundred:
  sum += 100;
  return sum + table[n - 1][n - 1] + (int)sizeof(int[n]);
}

int main(void) {
  double complex z = csqrt(-2.0 + 3 * I);
  long double complex w = cexpl(1 + 2.0il);
  printf("%.6f %.6f %.6Lf\n", creal(z), cimag(z), creall(w));
  char text[64];
  quadmath_snprintf(text, sizeof text, "%.30Qg", sqrtq(2) * sinq(1));
  printf("%s\n", text);
  _Decimal64 cents = 1.1DD;
  cents = cents * cents + 3.3DD;
  _Decimal128 share = cents;
  share /= 7;
  printf("%d %d\n", (int)(cents * 100), (int)(share * 10000));
  struct wide bytes;
  memset(&bytes, 'q', sizeof bytes);
  atomic_store(&atomic_bytes, bytes);
  atomic_number = 5;
  atomic_number += (__int128)1 << 70;
  struct odd odd = {"odd"};
  odd = atomic_exchange(&atomic_odd, odd);
  printf("%.3s %lx %s|%s\n", atomic_load(&atomic_bytes).bytes, (long)(atomic_number >> 64), atomic_load(&atomic_odd).bytes, odd.bytes);
  __int128 product = (__int128)123456789012345678 * 987654321;
  printf("%ld %ld %g\n", (long)(product / 1000000007), (long)(product % 1000000007), (double)product);
  float8 a = {1, 2, 3, 4, 5, 6, 7, 8}, b = a;
  multiply(&a, &b);
  int4 reversed = __builtin_shuffle((int4){1, 2, 3, 4}, (int4){3, 2, 1, 0});
  printf("%g %g %d\n", a[0], a[7], reversed[0]);
  int n = 4, table[n][n], numbers[100];
  memset(table, 1, sizeof table);
  for (int i = 0; i < 100; i++) numbers[i] = i;
  printf("%d %d\n", jump(n, table), weighted(numbers, 100));
  _Float16 half = 1.5f;
  long double factorial = 1;
  for (int i = 1; i < 25; i++) factorial *= i;
  printf("%.2f %.0Lf\n", (double)(half * half), factorial);
  return 0;
}
