// Alignments up to 64 KiB in code, constants, data and bss.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC,-fno-pic}
#include <stdint.h>
#include <stdio.h>

__attribute__((aligned(65536))) int data64k = 1;
__attribute__((aligned(65536))) int zero64k;
__attribute__((aligned(65536))) const int constant64k = 3;
__attribute__((aligned(4096))) int data4k[3] = {1, 2, 3};
__attribute__((aligned(64))) char data64 = 'x';
__attribute__((aligned(8192), noinline)) int code8k(int x) { return x + 1; }

static int rest(const volatile void *p, unsigned alignment) { return (int)((uintptr_t)p % alignment); }

int main(void) {
  printf("%d %d %d ", rest(&data64k, 65536), rest(&zero64k, 65536), rest(&constant64k, 65536));
  printf("%d %d %d\n", rest(data4k, 4096), rest(&data64, 64), rest((void *)(uintptr_t)code8k, 8192));
  printf("%d\n", code8k(data64k + zero64k + constant64k + data4k[2] + data64));
  return 0;
}
