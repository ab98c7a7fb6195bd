// A write to a pipe that nobody reads ends the program, as SIGPIPE has its default action when it starts.
// compile: gcc -O1
// status: 141
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  struct sigaction now;
  int ignored = 0;
  for (int i = 1; i < 65; i++) {
    if (i != SIGKILL && i != SIGSTOP && sigaction(i, NULL, &now) == 0 && now.sa_handler == SIG_IGN) ignored++;
  }
  printf("%d ignored, last %d\n", ignored, sigaction(SIGRTMAX, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
  fflush(stdout);
  int ends[2];
  if (pipe(ends)) return 1;
  close(ends[0]);
  return write(ends[1], "x", 1) == 1 ? 2 : 3;
}
