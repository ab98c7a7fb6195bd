// 64 KiB of thread-local data, more than the surplus the C library keeps for libraries loaded later.
// compile: gcc -O2 {-fPIE,-fPIC}
#include <pthread.h>
#include <stdio.h>

__thread char big[65536] = "big";
__thread char zero[65536];

static void *fill(void *x) {
  for (int i = 3; i < 65536; i++) big[i] = (char)i, zero[i] = 1;
  int sum = 0;
  for (int i = 0; i < 65536; i++) sum += big[i] + zero[i];
  printf("%d\n", sum);
  return x;
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, fill, NULL);
  pthread_join(thread, NULL);
  printf("%s %d %d\n", big, big[100], zero[100]);
  return 0;
}
