// The program dies of a signal: its output so far is there, and the status is 128 + the signal's number.
// compile: gcc -O1
// status: 134
#include <stdlib.h>
#include <stdio.h>

int main(void) {
  printf("before\n");
  fflush(stdout);
  abort();
  return 0;
}
