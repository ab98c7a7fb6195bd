// A forked child has its own copy of the data of the program, and the parent does not see its changes; exec; wait.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int data = 1;
static int zero;
static __thread int local = 10;

int main(void) {
  printf("before\n");
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    data += 10;
    zero += 20;
    local += 30;
    char *heap = malloc(100000);
    heap[99999] = 1;
    printf("child %d %d %d\n", data, zero, local);
    fflush(stdout);
    _exit(data + zero + local > 70 ? 3 : 4);
  }
  int status;
  waitpid(child, &status, 0);
  printf("parent %d %d %d, child ended with %d\n", data, zero, local, WEXITSTATUS(status));
  fflush(stdout);
  child = fork();
  if (child == 0) exit(6);
  waitpid(child, &status, 0);
  printf("exit in the child: %d\n", WEXITSTATUS(status));
  fflush(stdout);
  child = fork();
  if (child == 0) execl("/bin/echo", "echo", "by exec", NULL);
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}
