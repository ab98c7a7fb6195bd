// 6 MiB of stack on the main thread, alloca, and variable arguments of every class.
// compile: {gcc,clang-22} -O1
#include <alloca.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((noinline)) static long deep(int n) {
  volatile char frame[1024];
  frame[n & 1023] = (char)n;
  return n == 0 ? 0 : deep(n - 1) + frame[n & 1023] * 0 + 1;
}

static double add(int count, ...) {
  va_list list;
  va_start(list, count);
  double sum = 0;
  for (int i = 0; i < count; i++) sum += i % 2 ? va_arg(list, double) : va_arg(list, int);
  va_end(list);
  return sum;
}

int main(void) {
  char *block = alloca(100000);
  memset(block, 'x', 100000);
  printf("%ld %c %g\n", deep(5500), block[99999], add(12, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5));
  return 0;
}
