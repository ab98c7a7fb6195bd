// Switches as jump tables, computed goto, tables of strings: relocated constants in every position model.
// compile: {gcc,clang-22} -O{1,2,3} {-fPIE,-fPIC,-fno-pic}
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) static int pick(int n) {
  switch (n) {
    case 0: return 17;
    case 1: return abs(-23);
    case 2: return rand() * 0 + 5;
    case 3: return 99;
    case 4: return puts("four");
    case 5: return 3 * n;
    case 6: return -1;
    case 7: return n << 4;
    default: return 0;
  }
}

__attribute__((noinline)) static int interpret(const char *program) {
  static const void *const labels[] = {&&end, &&up, &&twice, &&down};
  int value = 1;
  goto *labels[(int)*program];
up:
  value++;
  goto *labels[(int)*++program];
twice:
  value *= 2;
  goto *labels[(int)*++program];
down:
  value--;
  goto *labels[(int)*++program];
end:
  return value;
}

int main(void) {
  int total = 0;
  for (int i = 0; i < 10; i++) total += pick(i) > 0 ? i : 100;
  printf("%d %d\n", total, interpret("\1\2\2\3\1\2"));
  return 0;
}
