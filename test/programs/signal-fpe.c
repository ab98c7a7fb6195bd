// The program dies of a signal: its output so far is there, and the status is 128 + the signal's number.
// compile: gcc -O1
// status: 136
#include <stdlib.h>
#include <stdio.h>

int main(void) {
  printf("before\n");
  fflush(stdout);
  volatile int zero = 0;
  return 100 / zero;
  return 0;
}
