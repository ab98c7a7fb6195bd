// exit() by another thread while main waits.
// compile: gcc -O1
// status: 5
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void *end(void *x) {
  puts("thread ends the program");
  exit(5);
  return x;
}
int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, end, NULL);
  for (;;) pause();
}
