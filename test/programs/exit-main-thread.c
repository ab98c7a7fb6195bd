// pthread_exit() in main: the program goes on until its last thread ends, with status 0.
// compile: gcc -O1
// only: shared rpc
// because: in-process the main thread belongs to Node
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *later(void *x) {
  usleep(20000);
  puts("after main");
  return x;
}
int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, later, NULL);
  puts("main");
  pthread_exit(NULL);
}
