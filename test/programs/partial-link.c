// An object that `ld -r` made of two: merged sections, several relocation sections, groups kept or resolved.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic} -ffunction-sections
// before: ld -r -o both.o partial-link.o part.o
// inputs: both.o
// needs: ld
#include <stdio.h>
int part(int);
static const char *const names[] = {"one", "two"};
static __thread int local = 4;
int main(void) {
  printf("%s %d\n", names[1], part(3) + local);
  return 0;
}
// file: part.c
static const char *const names[] = {"three", "four"};
__thread int other_local = 5;
int part(int x) { return names[x & 1][0] + other_local; }
