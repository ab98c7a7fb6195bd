// Many threads, a mutex, a condition, thread-specific data with destructors, and thread-local variables of each.
// compile: {gcc,clang-22} -O2 {-fPIE,-fPIC,-fno-pic}
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static int total, destroyed;
static __thread int mine = 100;
static __thread int zero;

static void destroy(void *value) {
  pthread_mutex_lock(&lock);
  destroyed += *(int *)value;
  pthread_mutex_unlock(&lock);
  free(value);
}

static void *work(void *argument) {
  int *value = malloc(sizeof *value);
  *value = 1;
  pthread_setspecific(key, value);
  for (int i = 0; i < 1000; i++) mine++, zero += 2;
  pthread_mutex_lock(&lock);
  total += mine + zero + *(int *)argument;
  pthread_mutex_unlock(&lock);
  return &mine == NULL ? NULL : (void *)1;
}

int main(void) {
  pthread_key_create(&key, destroy);
  pthread_t threads[32];
  int numbers[32];
  for (int i = 0; i < 32; i++) {
    numbers[i] = i;
    pthread_create(&threads[i], NULL, work, &numbers[i]);
  }
  long joined = 0;
  for (int i = 0; i < 32; i++) {
    void *result;
    pthread_join(threads[i], &result);
    joined += (long)result;
  }
  printf("%d %d %d %d %ld\n", total, destroyed, mine, zero, joined);
  return 0;
}
