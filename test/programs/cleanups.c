// C with cleanups: run by pthread_exit and by a forced unwinding of the program's own.
// compile: {gcc,clang-22} -O{0,2} -fPIC -fexceptions
#include <stdio.h>
#include <pthread.h>
#include <unistd.h>
#include <unwind.h>
#include <stdlib.h>
#include <string.h>
static void c1(int *p) { printf("cleanup %d\n", *p); }
__attribute__((noinline)) static void deep(int n) { int x __attribute__((cleanup(c1))) = n; if (n) deep(n - 1); else pthread_exit(0); }
static void *f(void *p) { deep(3); return p; }
static struct _Unwind_Exception ex;
static _Unwind_Reason_Code stop(int v, _Unwind_Action a, _Unwind_Exception_Class c, struct _Unwind_Exception *e, struct _Unwind_Context *x, void *p) {
  if (a & _UA_END_OF_STACK) { printf("end of stack\n"); fflush(stdout); _exit(0); } return _URC_NO_REASON; }
__attribute__((noinline)) static void forced(int n) { int x __attribute__((cleanup(c1))) = 100 + n; if (n) forced(n - 1); else { memcpy(&ex.exception_class, "ABCDEFGH", 8); _Unwind_ForcedUnwind(&ex, stop, 0); } }
int main(void) {
  pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0);
  printf("%d\n", _Unwind_RaiseException(&ex) == _URC_END_OF_STACK); fflush(stdout);
  forced(2);
}
