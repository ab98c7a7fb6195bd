// stdout on a pipe is written when it is full or the program ends: behind what write(2) and children wrote, twice where a buffer was
// forked, and never after _exit.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *text) {
  if (write(1, text, strlen(text)) < 0) abort();
}

int main(void) {
  say("1 by write\n");
  printf("3 by printf\n");
  say("2 by write\n");
  fflush(stdout);
  printf("twice\n");
  pid_t child = fork();
  if (child == 0) exit(0);
  waitpid(child, NULL, 0);
  fflush(stdout);
  printf("after echo\n");
  if (system("echo echo") != 0) return 1;
  for (int i = 0; i < 1000; i++) printf("line %d\n", i);
  say("in the middle of lines\n");
  fflush(stdout);
  child = fork();
  if (child == 0) {
    printf("lost\n");
    _exit(0);
  }
  waitpid(child, NULL, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("at once\n");
  say("then\n");
  setvbuf(stdout, NULL, _IONBF, 0);
  printf("no end of line");
  say(" here\n");
  char input[20];
  if (fgets(input, sizeof input, stdin)) printf("read %s", input);
  static char own[200];
  setvbuf(stdout, own, _IOFBF, sizeof own);
  printf("lost too");
  return freopen("/dev/null", "w", stdin) != NULL ? (_exit(0), 1) : 2;
}
