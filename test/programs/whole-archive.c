// --whole-archive: members that nothing refers to register themselves; behind --no-whole-archive they do not.
// compile: {gcc,clang-22} -O1
// before: ar rcs libplugins.a one.o two.o
// before: ar rcs libother.a three.o
// inputs: whole-archive.o -Wl,--whole-archive libplugins.a -Wl,--no-whole-archive libother.a
// needs: ar
#include <stdio.h>
int registered;
int main(void) {
  printf("%d\n", registered);
  return 0;
}
// file: one.c
extern int registered;
__attribute__((constructor)) static void one(void) { registered += 1; }
// file: two.c
extern int registered;
__attribute__((constructor)) static void two(void) { registered += 10; }
// file: three.c
extern int registered;
__attribute__((constructor)) static void three(void) { registered += 100; }
