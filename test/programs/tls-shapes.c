// Thread-local blocks of every shape: only zeros, only data, empty variables, addresses in the initial image, weak ones.
// compile: gcc -O2 {-fPIC,-fno-pic} -DSHAPE={1,2,3,4,5}
// compile: clang-22 -O0 -DSHAPE={1,2,3,4,5}
// compile: gcc -O2 -fPIC -mtls-dialect=gnu2 -DSHAPE=4
#include <pthread.h>
#include <stdio.h>
#if SHAPE == 1
__thread int a[10];
#define V a[0]
#elif SHAPE == 2
static __thread int a = 5;
#define V a
#elif SHAPE == 3
__thread struct {} e; __thread char pad[1] = {1}; __thread int a[0]; __thread int b = 4;
#define V (b + (void*)&e - (void*)&e)
#elif SHAPE == 4
// pointers in the initial image
static int x; int fn(void) {return 9;}
__thread int *p = &x; __thread int (*q)(void) = fn; __thread const char *s = "str"; extern __thread int z;
__thread FILE **o = &stdout;  __thread int (*pf)(const char *, ...) = printf;
#define V (p == &x && q() == 9 && s[1] == 't' && *o == stdout && pf == printf ? ++z : 0)
__thread int z = 1;
#elif SHAPE == 5
__thread int a __attribute__((weak)) = 3;
extern __thread int w __attribute__((weak));
#define V a
#endif
static void *f(void *x) { printf("%s %ld\n", (char *)x, (long)V); return x; }
int main(void) {
  pthread_t t; f("main");
  pthread_create(&t, NULL, f, "thread");
  pthread_join(t, NULL);
  f("main");
  return 0;
}
