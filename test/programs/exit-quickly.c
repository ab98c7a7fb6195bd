// quick_exit() runs its own handlers only; _exit() none at all.
// compile: gcc -O1 {-fPIE,-fno-pic}
// status: 9
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void quick(void) {
  fputs("at_quick_exit\n", stdout);
  fflush(stdout);
  _exit(9);
}
static void never(void) { puts("atexit"); }
__attribute__((destructor)) static void never_either(void) { puts("destructor"); }
int main(void) {
  atexit(never);
  at_quick_exit(quick);
  quick_exit(8);
}
