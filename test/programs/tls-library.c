// Thread-local variables of libraries in every model, referred to in every model, beside the program's own block.
// compile: {gcc,clang-22} -O2 {-fPIE,-fPIC} -DSIZE=3000
// compile: gcc -O2 -fno-pic -DSIZE=30000
// compile: gcc -O0 -fPIC -ftls-model=initial-exec -DSIZE=4
// compile: gcc -O2 -fPIC -mtls-dialect=gnu2 -DSIZE=4
// before: gcc -shared -fPIC -O2 -x c gd.txt -o libgd.so
// before: gcc -shared -fPIC -O2 -x c ie.txt -ftls-model=initial-exec -o libie.so
// before: gcc -shared -fPIC -O2 -x c desc.txt -mtls-dialect=gnu2 -o libdesc.so
// inputs: tls-library.o ./libgd.so ./libie.so ./libdesc.so
// reference: -Wl,-rpath,.
#include <pthread.h>
#include <stdio.h>
extern __thread int gd, ie, desc;
int getgd(void), getie(void), getdesc(void);
int *agd(void), *aie(void), *adesc(void);
__thread char own[SIZE] = {3};
static void *f(void *x) {
  own[1]++;
  gd++; ie += 2; desc += 3;
  printf("%s %d %d %d %d %d %d %d %d %d | %d %d\n", (char *)x, gd, ie, desc, getgd(), getie(), getdesc(), agd() == &gd, aie() == &ie, adesc() == &desc, own[0], own[1]);
  return x;
}
int main(void) {
  for (int i = 0; i < 2; i++) {
    pthread_t t;
    pthread_create(&t, NULL, f, "thread");
    pthread_join(t, NULL);
    f("main");
  }
  return 0;
}
// file: gd.txt
__thread int gd = 10; static __thread int loc = 5; int getgd(void) { return gd + loc++; } int *agd(void) { return &gd; }
// file: ie.txt
__thread int ie = 20; static __thread int loc = 6; static __thread char block[500]; int getie(void) { return ie + loc++ + block[3]++; } int *aie(void) { return &ie; }
// file: desc.txt
__thread int desc = 30; static __thread int loc = 7; int getdesc(void) { return desc + loc++; } int *adesc(void) { return &desc; }
