// Other programs: system, popen both ways, posix_spawn with file actions, vfork and exec, each exec call, wait statuses.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// status: 8
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int finish(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) return -errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  printf("system %d\n", WEXITSTATUS(system("echo from system; exit 3")));
  printf("shell %d\n", system(NULL) != 0);
  char line[100] = "";
  FILE *from = popen("printf 'a\\nb\\n' | tr ab xy", "r");
  while (fgets(line, sizeof line, from)) printf("popen %s", line);
  printf("pclose %d\n", pclose(from));
  FILE *to = popen("cat", "w");
  fputs("into a pipe\n", to);
  printf("pclose %d\n", WEXITSTATUS(pclose(to)));

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  int ends[2];
  if (pipe(ends)) return 1;
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  pid_t child;
  char *words[] = {"sh", "-c", "echo $GREETING; exit 5", NULL};
  char *environment[] = {"GREETING=hello there", NULL};
  int error = posix_spawnp(&child, "sh", &actions, NULL, words, environment);
  close(ends[1]);
  ssize_t count = read(ends[0], line, sizeof line - 1);
  line[count > 0 ? count : 0] = 0;
  printf("spawn %d %d %s", error, finish(child), line);
  char *missing[] = {"/does/not/exist", NULL};
  printf("missing %d\n", posix_spawn(&child, missing[0], NULL, NULL, missing, environ) == ENOENT);

  setenv("FROM_PROGRAM", "seen", 1);
  if ((child = vfork()) == 0) {
    execl("/bin/sh", "sh", "-c", "echo $FROM_PROGRAM; kill -9 $$", (char *)NULL);
    _exit(127);
  }
  printf("vfork %d\n", finish(child));
  if ((child = fork()) == 0) execve("/bin/sh", (char *[]){"sh", "-c", "echo ${FROM_PROGRAM-unset}", NULL}, (char *[]){NULL});
  printf("execve %d\n", finish(child));
  if ((child = fork()) == 0) execlp("sh", "sh", "-c", "ls -l /proc/self/fd | grep -c memfd", (char *)NULL);
  printf("execlp %d\n", finish(child));
  if ((child = fork()) == 0) {
    int fd = open("/bin/true", O_RDONLY);
    fexecve(fd, (char *[]){"true", NULL}, environ);
  }
  printf("fexecve %d\n", finish(child));
  /* Signals that are blocked or ignored here are not so in other programs unless the program did it. */
  if ((child = fork()) == 0) execl("/bin/sh", "sh", "-c", "grep -E 'Sig(Blk|Ign)' /proc/self/status", (char *)NULL);
  printf("signals %d\n", finish(child));
  if ((child = fork()) == 0) abort();
  printf("abort %d\n", finish(child));
  if ((child = fork()) == 0) { volatile int *null = 0; *null = 1; }
  printf("fault %d\n", finish(child));
  fflush(stdout);
  execl("/bin/sh", "sh", "-c", "echo replaced; exit 8", (char *)NULL);
  return 99;
}
