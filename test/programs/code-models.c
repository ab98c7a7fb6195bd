// The same program in every code model: 64-bit absolute addresses, GOT-relative addresses, large data sections.
// compile: {gcc,clang-22} -O2 -mcmodel={small,medium,large} -fno-pic
// compile: {gcc,clang-22} -O2 -mcmodel={small,medium,large} -fPIC
// compile: gcc -O0 -mcmodel={medium,large} -fno-pic
#include <stdio.h>

int big[1 << 20];
static int small_local = 3;
const char *const names[] = {"zero", "one", "two"};
static int twice(int x) { return 2 * x; }
int (*operations[])(int) = {twice};

__attribute__((noinline)) int sum(int n) {
  int total = 0;
  for (int i = 0; i < n; i++) total += big[i];
  return total;
}

int main(void) {
  for (int i = 0; i < 1 << 20; i += 1 << 10) big[i] = operations[0](i & 15) + small_local;
  small_local = sum(1 << 20);
  printf("%s %d\n", names[small_local % 3], small_local);
  fprintf(stderr, "%d\n", &big[1] - big == 1);
  return 0;
}
