// STT_GNU_IFUNC: called, called from another object, taken as a pointer in code and in data.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
#include <stdio.h>

static int generic(int x) { return x + 1; }
static int special(int x) { return x + 2; }
static int (*choose(void))(int) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse2") ? special : generic;
}
int operation(int) __attribute__((ifunc("choose")));
static int local_operation(int) __attribute__((ifunc("choose")));
int (*in_data)(int) = operation;
int call_from_other(int);
int (*address_in_other(void))(int);

int main(void) {
  int (*pointer)(int) = operation;
  printf("%d %d %d %d %d\n", operation(1), local_operation(1), pointer(1), in_data(1), call_from_other(1));
#ifndef __PIE__
  // GNU ld gives pointers in data another address than pointers in code when it makes a PIE, so it cannot judge this.
  printf("%d %d\n", pointer == in_data, address_in_other() == pointer);
#endif
  return 0;
}
// file: other.c
int operation(int);
int call_from_other(int x) { return operation(x) * 10; }
int (*address_in_other(void))(int) { return operation; }
