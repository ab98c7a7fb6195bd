// main calls pthread_exit: its cleanup handlers and the destructors of its thread-specific values run at once, in as many rounds as it takes,
// the process goes on until its last thread has ended, and ends as by exit(0).
// compile: {gcc,clang-22} -O1
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_key_t key, again;
static void clean(void *name) { printf("cleanup %s\n", (char *)name); }
static void value(void *name) { printf("value %s\n", (char *)name); }
static void value_again(void *rounds) {
  printf("round %ld\n", (long)rounds);
  if ((long)rounds < 3) pthread_setspecific(again, (char *)rounds + 1);
}
static void at_end(void) { printf("at the end\n"); }
static void with_status(int status, void *x) { printf("status %d %d\n", status, x != NULL); }

/* Behind the other thread, where there is one: what they print comes in one order. */
static void *later(void *other) {
  if (other == NULL) usleep(100000);
  else pthread_join(*(pthread_t *)other, NULL);
  pthread_setspecific(key, "of a thread");
  printf("a thread goes on\n");
  return NULL;
}

int main(void) {
  static pthread_t first, second;
  atexit(at_end);
  on_exit(with_status, "");
  pthread_key_create(&key, value);
  pthread_key_create(&again, value_again);
  pthread_setspecific(key, "of main");
  pthread_setspecific(again, (void *)1);
  pthread_create(&first, NULL, later, NULL);
  pthread_create(&second, NULL, later, &first);
  pthread_cleanup_push(clean, "of main");
  pthread_exit(NULL);
  pthread_cleanup_pop(0);
}
