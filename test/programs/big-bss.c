// 256 MiB of zeros, touched here and there: they may cost neither copying nor memory.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// slablink: --slab-size 512M
#include <stdio.h>

#define SIZE (256u << 20)
static unsigned char zeros[SIZE];
int after = 7;

int main(void) {
  unsigned sum = 0;
  for (unsigned i = 0; i < SIZE; i += 1 << 20) sum += zeros[i]++;
  for (unsigned i = 0; i < SIZE; i += 1 << 20) sum += zeros[i];
  printf("%u %u %d\n", sum, zeros[SIZE - 1], after);
  return 0;
}
