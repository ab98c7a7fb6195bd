// Control that leaves the ordinary way: makecontext and swapcontext, also in threads and with exceptions of depth; longjmp out of deep
// recursion and handlers; stacks as deep as the limit allows; alloca and variable-length arrays near it.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static ucontext_t main_context, generators[3];
static int produced;

static void generate(int which, int count) {
  for (int i = 0; i < count; i++) {
    produced = which * 100 + i;
    swapcontext(&generators[which], &main_context);
  }
  produced = -1;
}

static void start(int which, size_t size) {
  getcontext(&generators[which]);
  void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  generators[which].uc_stack.ss_sp = stack;
  generators[which].uc_stack.ss_size = size;
  generators[which].uc_link = &main_context;
  makecontext(&generators[which], (void (*)(void))generate, 2, which, which + 2);
}

static jmp_buf out;
__attribute__((noinline)) static long recurse(long n, long bottom) {
  volatile char frame[1000];
  frame[n % 1000] = (char)n;
  if (n == bottom) longjmp(out, 7);
  return recurse(n + 1, bottom) + frame[n % 1000];
}

__attribute__((noinline)) static long depth(long n) {
  volatile char frame[1000];
  frame[n % 1000] = 1;
  return n == 0 ? 0 : depth(n - 1) + frame[n % 1000];
}

static void *deep(void *argument) { return (void *)depth((long)argument); }

__attribute__((noinline)) static int vla(int n) {
  char array[n];
  memset(array, 1, (size_t)n);
  int sum = 0;
  for (int i = 0; i < n; i += 4096) sum += array[i];
  return sum;
}

int main(void) {
  for (int i = 0; i < 3; i++) start(i, 64 << 10);
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 3; i++) {
      if (i + 2 < round) continue;
      swapcontext(&main_context, &generators[i]);
      printf("%d ", produced);
    }
  }
  puts("");
  int value = setjmp(out);
  if (value == 0) recurse(0, 6000);
  printf("longjmp %d\n", value);
  printf("depth %ld\n", depth(7500));
  printf("vla %d\n", vla(7 << 20));
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 20);
  pthread_create(&thread, &attributes, deep, (void *)60000L);
  void *result;
  pthread_join(thread, &result);
  printf("thread %ld\n", (long)result);
  return 0;
}
