// glibc's own archives among the inputs: the process's C library stands for them. Functions of all kinds, indirect ones, errno,
// signgam, vectorized mathematics.
// compile: gcc -O1 -fno-builtin {-fPIE,-fno-pic}
// compile: gcc -O3 -ffast-math
// inputs: static-c-library.o -lm
// slablink: -l:libc.a -static
// needs: libm.a libc.a
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
  int numbers[] = {3, 1, 2};
  qsort(numbers, 3, sizeof numbers[0], compare);
  char buffer[32];
  memcpy(buffer, "one", 4);
  strcat(buffer, " C library");
  printf("%d%d%d %s %zu %s\n", numbers[0], numbers[1], numbers[2], buffer, strlen(buffer), strchr(buffer, 'C'));
  errno = 0;
  volatile long parsed = strtol("99999999999999999999999", 0, 10);
  printf("%d %d\n", errno == ERANGE, parsed > 0);
#ifndef __FAST_MATH__
  volatile double minus = -1;
  errno = 0;
  volatile double nan = log(minus);
  printf("%d %d\n", errno == EDOM, nan != nan);
  volatile double half = -0.5;
  volatile double gamma = lgamma(half);
  printf("%.6f %d %.4f %.4f %.4f\n", gamma, signgam, fma(1.5, 2.5, minus), pow(2.5, 3.5), floor(half));
#endif
  double values[64], sum = 0;
  for (int i = 0; i < 64; i++) values[i] = i * 0.1;
  for (int i = 0; i < 64; i++) values[i] = sin(values[i]) + exp(values[i] * 0.1) + pow(values[i], 1.5);
  for (int i = 0; i < 64; i++) sum += values[i];
  printf("%.4f\n", sum);
  return 0;
}
