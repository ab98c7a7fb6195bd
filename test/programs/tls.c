// Thread-local variables in every model, initialized, zero, aligned and external, with and without relaxation to another model.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
// compile: {gcc,clang-22} -O2 -fPIC -ftls-model={global-dynamic,local-dynamic,initial-exec,local-exec}
// compile: {gcc,clang-22} -O2 -fPIC -fno-plt -ftls-model={global-dynamic,local-dynamic}
// compile: {gcc,clang-22} -O2 -fno-pic -ftls-model={initial-exec,local-exec}
// compile: {gcc,clang-22} -O2 -fPIC -mtls-dialect=gnu2
// compile: gcc -O2 -fPIC -mcmodel=large -ftls-model={global-dynamic,local-dynamic}
// reference: -no-pie
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

static __thread int local = 1;
static __thread int local_zero;
static __thread char local_array[40] = "local array";
__thread long global = 1000;
__thread int global_zero;
__thread __attribute__((aligned(64))) char aligned = 'a';
extern __thread int elsewhere;
extern __thread int elsewhere_zero;
int *address_elsewhere(void);

static void *report(void *name) {
  local++, local_zero += 2, global += 3, global_zero += 4, elsewhere += 5, elsewhere_zero += 6;
  local_array[0] = 'L';
  printf("%s: %d %d %s %ld %d %c %d %d %d %d\n", (char *)name, local, local_zero, local_array, global, global_zero, aligned,
         elsewhere, elsewhere_zero, (int)((uintptr_t)&aligned % 64), address_elsewhere() == &elsewhere);
  return NULL;
}

int main(void) {
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    pthread_create(&thread, NULL, report, "thread");
    pthread_join(thread, NULL);
    report("main");
  }
  return 0;
}
// file: other.c
__thread int elsewhere = 50;
__thread int elsewhere_zero;
int *address_elsewhere(void) { return &elsewhere; }
