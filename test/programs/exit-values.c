// A main that returns leaves its thread-specific values alone; a handler and a destructor still find them.
// compile: gcc -O1
// status: 17
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static pthread_key_t key;
static void value(void *name) { printf("value %s\n", (char *)name); }
static void at_end(void) { printf("at the end %s\n", (char *)pthread_getspecific(key)); }
static void *thread_of(void *x) { return pthread_setspecific(key, "of a thread"), x; }
__attribute__((destructor)) static void fini(void) { printf("destructor %s\n", (char *)pthread_getspecific(key)); }
int main(void) {
  pthread_t thread;
  atexit(at_end);
  pthread_key_create(&key, value);
  pthread_setspecific(key, "of main");
  pthread_create(&thread, NULL, thread_of, NULL);
  pthread_join(thread, NULL);
  return 17;
}
