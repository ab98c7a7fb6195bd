// After a fork parent and child write the same variables of every section; grandchildren; vfork; a child that outlives its parent's
// writes; atfork handlers; many children at once.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int data[2048] = {1, 2, 3};
static int zero[4096];
int common;
static __thread int local = 5;
static const char *text = "before";
static int handlers;

static void prepare(void) { handlers += 1; }
static void parent(void) { handlers += 10; }
static void child(void) { handlers += 100; }

static int sum(void) {
  return data[0] + data[2047] + zero[0] + zero[4095] + common + local + (int)strlen(text);
}

static void write_all(int value) {
  data[0] = data[2047] = zero[0] = zero[4095] = common = local = value;
  text = value > 50 ? "a long text" : "short";
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  pthread_atfork(prepare, parent, child);
  int up[2], down[2];
  if (pipe(up) || pipe(down)) return 1;
  char go = 1;
  pid_t first = fork();
  if (first == 0) {
    write_all(100);
    if (write(up[1], &go, 1) != 1 || read(down[0], &go, 1) != 1) _exit(90);
    printf("child %d %d\n", sum(), handlers);
    pid_t second = fork();
    if (second == 0) {
      write_all(7);
      printf("grandchild %d %d\n", sum(), handlers);
      _exit(sum());
    }
    int status;
    waitpid(second, &status, 0);
    printf("child again %d, grandchild %d\n", sum(), WEXITSTATUS(status));
    exit(sum() & 0xff);
  }
  if (read(up[0], &go, 1) != 1) return 2;
  printf("parent %d\n", sum());
  write_all(3);
  if (write(down[1], &go, 1) != 1) return 3;
  int status;
  waitpid(first, &status, 0);
  printf("parent %d %d, child %d\n", sum(), handlers, WEXITSTATUS(status));
  int total = 0;
  for (int i = 0; i < 20; i++) {
    pid_t each = fork();
    if (each == 0) {
      zero[100] += i;
      data[5] += 1;
      _exit(zero[100] + data[5]);
    }
  }
  while (wait(&status) > 0) total += WEXITSTATUS(status);
  printf("%d %d %d\n", total, zero[100], data[5]);
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (fork() == 0) {
    *shared = 77;
    _exit(0);
  }
  wait(&status);
  printf("%d\n", *shared);
  pid_t quick = vfork();
  if (quick == 0) _exit(9);
  waitpid(quick, &status, 0);
  printf("vfork %d\n", WEXITSTATUS(status));
  return 0;
}
