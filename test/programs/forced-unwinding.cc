// Forced unwinding: cancelled threads and pthread_exit run destructors, also out of main.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
#include <cstdio>
#include <pthread.h>
#include <unistd.h>
#include <cxxabi.h>
#include <semaphore.h>
struct D { const char *n; ~D() { printf("~%s\n", n); } };
static sem_t ready;
static void cleanup(void *p) { printf("cleanup %s\n", (char *)p); }
static void *cancelled(void *) {
  D d{"cancelled"};
  pthread_cleanup_push(cleanup, (void *)"handler");
  try { sem_post(&ready); for (;;) { D e{"inner"}; pause(); } }
  catch (abi::__forced_unwind &) { printf("forced\n"); throw; }
  catch (...) { printf("all\n"); throw; }
  pthread_cleanup_pop(0);
  return nullptr;
}
static void deep(int n) { D d{"deep"}; if (n) deep(n - 1); else pthread_exit((void *)42L); }
static void *exiting(void *) { D d{"exiting"}; deep(2); return nullptr; }
static void *async(void *) { int o; pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &o); sem_post(&ready); for (;;) asm volatile("pause"); }
static thread_local D tl{"thread_local"};
static void *withtl(void *) { tl.n = "tls"; deep(0); return nullptr; }
int main() {
  sem_init(&ready, 0, 0);
  pthread_t t; void *r;
  pthread_create(&t, nullptr, cancelled, nullptr); sem_wait(&ready); pthread_cancel(t); pthread_join(t, &r); printf("%d\n", r == PTHREAD_CANCELED);
  pthread_create(&t, nullptr, exiting, nullptr); pthread_join(t, &r); printf("%ld\n", (long)r);
  pthread_create(&t, nullptr, withtl, nullptr); pthread_join(t, &r); printf("%ld\n", (long)r);
  pthread_create(&t, nullptr, async, nullptr); sem_wait(&ready); pthread_cancel(t); pthread_join(t, &r); printf("%d\n", r == PTHREAD_CANCELED);
  fflush(stdout);
  D m{"main"};
  pthread_exit(nullptr);
}
