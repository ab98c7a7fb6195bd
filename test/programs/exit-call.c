// exit() in a nested call: handlers run, output is flushed, the low 8 bits count.
// compile: gcc -O1 {-fPIE,-fno-pic}
// status: 44
#include <stdio.h>
#include <stdlib.h>
static void handler(void) { printf("handler"); }
static void deep(int n) {
  if (n == 0) exit(300);
  deep(n - 1);
}
int main(void) {
  atexit(handler);
  printf("not flushed by a line break, ");
  deep(10);
  return 0;
}
