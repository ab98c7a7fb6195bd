// Code that the program makes in memory of its own: written and then protected, two views of one memfd, all at once; at places of its
// choice; huge, low and guarded mappings; remapping.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int helper(int x) { return x * 2; }

/* mov rax, helper; jmp rax */
static size_t emit(unsigned char *at, int (*target)(int)) {
  at[0] = 0x48, at[1] = 0xb8;
  memcpy(at + 2, &target, 8);
  at[10] = 0xff, at[11] = 0xe0;
  return 12;
}

int main(void) {
  int (*function)(int);
  unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  emit(page, helper);
  printf("%d", mprotect(page, 4096, PROT_READ | PROT_EXEC));
  memcpy(&function, &page, sizeof function);
  printf(" %d\n", function(21));
  unsigned char *both = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  emit(both, helper);
  memcpy(&function, &both, sizeof function);
  printf("%d\n", function(4));
  int fd = memfd_create("code", 0);
  if (ftruncate(fd, 4096)) return 1;
  unsigned char *writable = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  unsigned char *executable = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  emit(writable, helper);
  memcpy(&function, &executable, sizeof function);
  printf("%d\n", function(5));
  /* Over what is there: refused, and what is there stays. */
  void *over = mmap((void *)((uintptr_t)helper & -4096), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  printf("%d %d\n", over == MAP_FAILED && errno == EEXIST, helper(8));
  void *low = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  printf("low %d\n", low != MAP_FAILED && (uintptr_t)low < 1u << 31);
  void *chosen = mmap((void *)0x200000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  printf("chosen %d\n", chosen == (void *)0x200000000);
  char *huge = mmap(NULL, 64ul << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  huge[40ul << 30] = 5;
  printf("huge %d", huge[40ul << 30]);
  printf(" %d\n", munmap(huge, 64ul << 30));
  char *grown = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  strcpy(grown, "kept");
  grown = mremap(grown, 8192, 1 << 20, MREMAP_MAYMOVE);
  grown[(1 << 20) - 1] = 1;
  printf("%s", grown);
  printf(" %d %d\n", madvise(grown, 1 << 20, MADV_DONTNEED), 0);
  void *before = sbrk(0);
  void *same = sbrk(1 << 16);
  printf("brk %d %d\n", same == before, (char *)sbrk(0) - (char *)before == 1 << 16);
  *(char *)before = 1;
  printf("%d %d\n", mlock(page, 4096) == 0 || errno == ENOMEM, msync(writable, 4096, MS_SYNC));
  return 0;
}
