// Alignments of 64 KiB, 2 MiB and 16 MiB, of variables, sections, commons and functions; protection of one's own pages.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic,-fcommon}
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNED(n) __attribute__((aligned(n)))

static int ALIGNED(65536) data64k = 1;
static char ALIGNED(1 << 21) data2m[100] = "two";
static const char ALIGNED(65536) constant[100000] = "constant";
static char ALIGNED(1 << 21) zero2m[5 << 20];
static char ALIGNED(1 << 24) zero16m[1];
char ALIGNED(1 << 16) common64k[70000];
static char ALIGNED(4096) page[3 * 4096] = "page";
static char ALIGNED(4096) zero_page[3 * 4096];
__attribute__((section("named"), aligned(1 << 17))) int in_named = 5;
ALIGNED(65536) static int function(int x) { return x + 1; }

static sigjmp_buf back;
static void on_fault(int number) { siglongjmp(back, number); }
static int faults(volatile char *at) {
  if (sigsetjmp(back, 1)) return 1;
  *at = 'w';
  return 0;
}

static int misaligned(const volatile void *at, uintptr_t alignment) { return (uintptr_t)at % alignment != 0; }

int main(void) {
  signal(SIGSEGV, on_fault);
  printf("%d", misaligned(&data64k, 65536));
  printf("%d", misaligned(data2m, 1 << 21));
  printf("%d", misaligned(constant, 65536));
  printf("%d", misaligned(zero2m, 1 << 21));
  printf("%d", misaligned(zero16m, 1 << 24));
  printf("%d", misaligned(common64k, 1 << 16));
  printf("%d", misaligned(&in_named, 1 << 17));
  printf("%d\n", misaligned((void *)function, 65536));
  int (*volatile call)(int) = function;
  printf("%d %s %s %d %d %d\n", data64k, data2m, constant, zero2m[sizeof zero2m - 1], call(in_named), common64k[69999]);
  zero2m[sizeof zero2m - 1] = zero16m[0] = 3;
  /* Other variables live on both sides. */
  strcpy(page + 4096, "middle");
  printf("%d\n", mprotect(page + 4096, 4096, PROT_READ));
  printf("%d %d %s\n", faults(page + 4095), faults(page + 4096), page + 4096);
  printf("%d %d\n", faults(page + 8191), faults(page + 8192));
  printf("%d %d\n", mprotect(page + 4096, 4096, PROT_READ | PROT_WRITE), faults(page + 4096));
  printf("%d %d\n", mprotect(zero_page + 4096, 4096, PROT_NONE), faults(zero_page + 4096));
  printf("%d %d %s\n", mprotect(zero_page + 4096, 4096, PROT_READ | PROT_WRITE), faults(zero_page + 4096), zero_page + 4096);
  printf("%d %s\n", faults((char *)constant), constant);
  printf("%d\n", mprotect((void *)constant, sizeof constant, PROT_READ | PROT_WRITE));
  printf("%d %s\n", faults((char *)constant), constant);
  /* Code of one's own made in data, as old just-in-time compilers do. */
  static const unsigned char code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3};
  memcpy(page + 8192, code, sizeof code);
  printf("%d", mprotect(page + 8192, 4096, PROT_READ | PROT_EXEC));
  printf(" %d\n", ((int (*)(void))(uintptr_t)(page + 8192))());
  printf("%d\n", mprotect((void *)((uintptr_t)function & -4096), 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
  ((volatile unsigned char *)function)[0] = 0xc3; /* ret */
  call(1);
  puts("changed");
  return 0;
}
