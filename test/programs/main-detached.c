// The first thread detaches itself, as D's run-time system has it: nobody may join it then.
// compile: gcc -O2 {-fPIE,-fPIC}
// status: 5
#include <pthread.h>
#include <stdio.h>

static void *other(void *first) {
  printf("join: %d\n", pthread_join(*(pthread_t *)first, NULL) != 0);
  return NULL;
}

int main(void) {
  pthread_t first = pthread_self(), thread;
  if (pthread_detach(first) != 0) return 1;
  pthread_create(&thread, NULL, other, &first);
  pthread_join(thread, NULL);
  return 5;
}
