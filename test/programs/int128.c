// Helpers that the compiler takes from libgcc.a: 128-bit division, population count, complex arithmetic.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
#include <complex.h>
#include <stdio.h>

int main(int argc, char **argv) {
  (void)argv;
  unsigned __int128 big = ((unsigned __int128)1 << 100) + (unsigned)argc;
  printf("%lu %lu\n", (unsigned long)(big / 1000000007u), (unsigned long)(big % 1000000007u));
  printf("%d\n", __builtin_popcountll((unsigned long)argc * 0x123456789abcdefUL));
  double complex c = (1.0 + argc * I) * (2.0 - argc * I);
  printf("%g %g\n", creal(c), cimag(c));
  return 0;
}
