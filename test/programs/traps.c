// Traps of compilers and of sanitizers without a runtime.
// compile: {gcc,clang-22} -O1 -fPIC -DK=0
// compile: gcc -O1 -DK=1 -fsanitize=signed-integer-overflow -fsanitize-undefined-trap-on-error
// compile: clang-22 -O1 -DK=1 -fsanitize=undefined -fsanitize-trap=all
// status: 132
#include <stdio.h>
#include <limits.h>
int main(int argc, char **argv) {
  printf("before\n"); fflush(stdout);
  if (K == 0) __builtin_trap();
  volatile int m = INT_MAX; m = m + argc;
  printf("%d\n", m);
}
