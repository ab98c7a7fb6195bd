// Calls through the GOT without PLT (-fno-plt), to the library and within the program: GOTPCRELX on call and jmp.
// compile: {gcc,clang-22} -O{0,2} -fno-plt {-fPIE,-fPIC}
#include <stdio.h>
#include <stdlib.h>

int helper(int x);

int main(void) {
  puts("calls through the GOT");
  return helper(-3);
}
// file: helper.c
#include <stdlib.h>
int helper(int x) { return abs(x) - 3; }
