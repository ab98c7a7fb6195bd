// A library refers to a thread-local variable of the program.
// compile: gcc -O2 {-fPIC,-fno-pic,-fPIE}
// before: gcc -shared -fPIC -O2 -x c library.txt -o liblibrary.so
// inputs: tls-from-library.o ./liblibrary.so
// reference: -Wl,-rpath,.
// only: shared rpc
// because: in this process libraries do not bind to the program
#include <pthread.h>
#include <stdio.h>
__thread int of_program = 100;
int *address_in_library(void);
static void *f(void *x) {
  of_program++;
  printf("%s %d %d\n", (char *)x, *address_in_library(), address_in_library() == &of_program);
  return x;
}
int main(void) {
  pthread_t t;
  f("main");
  pthread_create(&t, NULL, f, "thread");
  pthread_join(t, NULL);
  f("main");
  return 0;
}
// file: library.txt
extern __thread int of_program;
int *address_in_library(void) { return &of_program; }
