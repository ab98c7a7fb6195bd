// Objects with more in them than code: debug information apart, compressed and typed, both codes of -flto, calls to a profiler and to hooks.
// compile: gcc -g {-gsplit-dwarf,-gz=zlib,-fdebug-types-section -gdwarf-4,-g3 -O2 -fno-pic}
// compile: clang-22 -g {-gz=zlib,-gz=zstd,-gsplit-dwarf -fno-pic}
// compile: gcc -O2 {-flto -ffat-lto-objects,-fmerge-all-constants -fdata-sections,-pg,-finstrument-functions,-fpatchable-function-entry=4}
// compile: clang-22 -O2 -flto -ffat-lto-objects
// reference: -fno-lto
#include <pthread.h>
#include <stdio.h>

static int calls;
__attribute__((no_instrument_function)) void __cyg_profile_func_enter(void *function, void *from) {
  (void)function, (void)from;
  __atomic_fetch_add(&calls, 1, __ATOMIC_SEQ_CST);
}
__attribute__((no_instrument_function)) void __cyg_profile_func_exit(void *function, void *from) { (void)function, (void)from; }

static __thread int local = 3;
static int factorial(int n) { return n > 1 ? n * factorial(n - 1) : 1; }
static void *run(void *unused) {
  (void)unused;
  return (void *)(long)(local + factorial(4));
}

int main(void) {
  pthread_t thread;
  void *result;
  pthread_create(&thread, NULL, run, NULL);
  pthread_join(thread, &result);
  printf("%d %ld %d\n", factorial(5), (long)result, calls);
  return 0;
}
