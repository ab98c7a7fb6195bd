// gcc's nested functions, whose trampolines are on the stack: from main, in qsort, in other threads, two deep, by longjmp.
// compile: gcc -O{0,2} {-fPIE,-fno-pic,-fPIC}
// warning: nested-functions.o: asks for executable stacks (.note.GNU-stack); those of all threads are made so
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

static int apply(int (*f)(int), int x) { return f(x); }

static int sort(int *values, int count, int reverse) {
  int calls = 0;
  int compare(const void *a, const void *b) {
    calls++;
    int d = *(const int *)a - *(const int *)b;
    return reverse ? -d : d;
  }
  qsort(values, count, sizeof *values, compare);
  return calls;
}

static void *work(void *argument) {
  long base = (long)argument;
  int add(int x) {
    int more(int y) { return y + (int)base * 100 + x; }
    return apply(more, 1000);
  }
  return (void *)(long)apply(add, 5);
}

static int leave(int depth) {
  __label__ out;
  int found = 0;
  int walk(int n) {
    if (n == 0) {
      found = depth;
      goto out;
    }
    return apply(walk, n - 1) + 1;
  }
  apply(walk, depth);
  return -1;
out:
  return found;
}

int main(void) {
  pthread_t early;
  pthread_create(&early, NULL, work, (void *)1L);
  int base = 30;
  int add(int x) { return x + base; }
  printf("%d\n", apply(add, 12));
  base = 40;
  printf("%d\n", apply(add, 2));
  int values[] = {5, 3, 9, 1};
  int calls = sort(values, 4, 1);
  printf("%d %d %d %d %d\n", values[0], values[1], values[2], values[3], calls > 0);
  void *result;
  pthread_join(early, &result);
  printf("%ld\n", (long)result);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 << 10);
  pthread_t threads[4];
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], &attributes, work, (void *)(i + 2));
  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], &result);
    printf("%ld\n", (long)result);
  }
  printf("%d\n", leave(17));
  return 0;
}
