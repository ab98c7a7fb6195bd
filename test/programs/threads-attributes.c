// POSIX threads at large: attributes, stacks of one's own, detached ones, keys, barriers, rwlocks, once, cancellation with clean-up,
// conditions with timeouts, recursive and error-checking mutexes, semaphores, spin locks, thread names, affinity.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic,-fPIC}
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_count, destroyed, cleaned;
static pthread_key_t keys[3];
static sem_t done;
static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static int guarded;

static void only_once(void) { once_count++; }
static void destroy(void *value) { __atomic_add_fetch(&destroyed, (int)(long)value, __ATOMIC_SEQ_CST); }
static void again(void *value) {
  if ((long)value < 3) pthread_setspecific(keys[2], (void *)((long)value + 1));
  __atomic_add_fetch(&destroyed, 1000, __ATOMIC_SEQ_CST);
}

static void *report_stack(void *argument) {
  pthread_attr_t attributes;
  void *base;
  size_t size, guard;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &base, &size);
  pthread_attr_getguardsize(&attributes, &guard);
  int here = (char *)&size > (char *)base && (char *)&size < (char *)base + size;
  pthread_attr_destroy(&attributes);
  *(size_t *)argument = size;
  return (void *)(long)(here + 10 * (guard > 0));
}

static void *detached(void *argument) {
  pthread_setspecific(keys[0], (void *)7L);
  sem_post(argument);
  return NULL;
}

static void *party(void *argument) {
  pthread_once(&once, only_once);
  pthread_setspecific(keys[0], (void *)1L);
  pthread_setspecific(keys[1], (void *)100L);
  pthread_setspecific(keys[2], (void *)1L);
  int serial = pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
  for (int i = 0; i < 1000; i++) {
    if ((long)argument % 2) {
      pthread_rwlock_wrlock(&rwlock);
      guarded++;
    } else {
      pthread_rwlock_rdlock(&rwlock);
    }
    pthread_rwlock_unlock(&rwlock);
  }
  return (void *)(long)serial;
}

static void clean(void *value) { cleaned += *(int *)value; }

static void *cancelled(void *argument) {
  int amount = 5;
  pthread_cleanup_push(clean, &amount);
  int more = 50;
  pthread_cleanup_push(clean, &more);
  sem_post(argument);
  for (;;) pause();
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return NULL;
}

static void *busy(void *argument) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  sem_post(argument);
  for (volatile long i = 0;; i++);
}

static void *leaves(void *argument) {
  int amount = 500;
  pthread_cleanup_push(clean, &amount);
  pthread_exit(argument);
  pthread_cleanup_pop(0);
}

int main(void) {
  sem_init(&done, 0, 0);
  pthread_key_create(&keys[0], destroy);
  pthread_key_create(&keys[1], destroy);
  pthread_key_create(&keys[2], again);
  pthread_barrier_init(&barrier, NULL, 6);
  pthread_t threads[6], thread;
  pthread_attr_t attributes;
  void *result;
  size_t size;

  pthread_create(&thread, NULL, report_stack, &size);
  pthread_join(thread, &result);
  printf("default %zu %ld\n", size, (long)result);
  pthread_attr_init(&attributes);
  pthread_attr_getstacksize(&attributes, &size);
  printf("attribute %zu\n", size);
  pthread_attr_setstacksize(&attributes, 1 << 20);
  pthread_attr_setguardsize(&attributes, 0);
  pthread_create(&thread, &attributes, report_stack, &size);
  pthread_join(thread, &result);
  printf("1M %zu %ld\n", size, (long)result);
  void *own = mmap(NULL, 256 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_attr_setstack(&attributes, own, 256 << 10);
  pthread_create(&thread, &attributes, report_stack, &size);
  pthread_join(thread, &result);
  printf("own %zu %ld\n", size, (long)result);
  pthread_attr_destroy(&attributes);
  size = 0;
  report_stack(&size);
  printf("main %zu\n", (size + (512 << 10)) >> 20);

  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_create(&thread, &attributes, detached, &done);
  sem_wait(&done);
  while (__atomic_load_n(&destroyed, __ATOMIC_SEQ_CST) != 7) usleep(1000);
  destroyed = 0;

  for (long i = 0; i < 6; i++) pthread_create(&threads[i], NULL, party, (void *)i);
  long serial = 0;
  for (int i = 0; i < 6; i++) {
    pthread_join(threads[i], &result);
    serial += (long)result;
  }
  printf("%d %d %ld %d\n", once_count, destroyed, serial, guarded);

  pthread_create(&thread, NULL, cancelled, &done);
  sem_wait(&done);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  printf("cancelled %d %d\n", result == PTHREAD_CANCELED, cleaned);
  pthread_create(&thread, NULL, busy, &done);
  sem_wait(&done);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  printf("cancelled %d\n", result == PTHREAD_CANCELED);
  pthread_create(&thread, NULL, leaves, (void *)33L);
  pthread_join(thread, &result);
  printf("exit %ld %d\n", (long)result, cleaned);

  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  pthread_mutex_t mutex;
  pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&mutex, &kind);
  pthread_mutex_lock(&mutex);
  printf("%d\n", pthread_mutex_lock(&mutex));
  pthread_mutex_unlock(&mutex);
  pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_t strict;
  pthread_mutex_init(&strict, &kind);
  pthread_mutex_lock(&strict);
  printf("%d %d\n", pthread_mutex_lock(&strict) == EDEADLK, pthread_mutex_trylock(&strict) == EBUSY);
  static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  struct timespec when;
  clock_gettime(CLOCK_REALTIME, &when);
  when.tv_nsec += 5000000;
  if (when.tv_nsec >= 1000000000) when.tv_sec++, when.tv_nsec -= 1000000000;
  printf("%d\n", pthread_cond_timedwait(&condition, &strict, &when) == ETIMEDOUT);
  char name[16];
  pthread_setname_np(pthread_self(), "renamed");
  pthread_getname_np(pthread_self(), name, sizeof name);
  printf("%s %d\n", name, pthread_equal(pthread_self(), pthread_self()));
  pthread_spinlock_t spin;
  pthread_spin_init(&spin, 0);
  pthread_spin_lock(&spin);
  printf("%d\n", pthread_spin_trylock(&spin) == EBUSY);
  return 0;
}
