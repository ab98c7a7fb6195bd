#include "supervisor_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/failure.h"

static void make_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) give_up("no pipe for the program's standard streams: %s", strerror(errno));
}

static void become_standard(int fd, int number) {
  if (dup2(fd, number) < 0) give_up("descriptor %d cannot become %d: %s", fd, number, strerror(errno));
}

/* As launched by a controller: whatever those before had ignored or blocked, the program has its defaults. */
static void reset_signals(void) {
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the new process. Standard descriptors are replaced last: a pipe's end may lie among them. */
static void become_executor(struct options *options, pid_t supervisor, int stream, int pipes[3][2]) {
  /* What a terminal sends comes by the supervisor alone. */
  setsid();
  reset_signals();
  if (options->input > STDERR_FILENO) close(options->input);
  if (options->output > STDERR_FILENO && options->output != options->input) close(options->output);
  become_standard(pipes[0][0], STDIN_FILENO);
  become_standard(pipes[1][1], STDOUT_FILENO);
  become_standard(pipes[2][1], STDERR_FILENO);
  for (int i = 0; i < 3; i++) {
    close(pipes[i][0]);
    close(pipes[i][1]);
  }
  options->input = options->output = stream;
  options->parent = supervisor;
}

bool child_start(struct options *options, struct child *child) {
  int pair[2], pipes[3][2];
  /* A place for each standard descriptor first, so that none of ours gets its number. */
  for (int fd = 0; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", O_RDWR);
  }
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) give_up("no socket for the executor: %s", strerror(errno));
  for (int i = 0; i < 3; i++) make_pipe(pipes[i]);
  /* A disposition that was inherited as "ignored" would have the kernel forget how it ended. */
  signal(SIGCHLD, SIG_DFL);
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ended, NULL);
  pid_t supervisor = getpid();
  pid_t pid = fork();
  if (pid < 0) give_up("no process for the executor: %s", strerror(errno));
  if (pid == 0) {
    close(pair[0]);
    become_executor(options, supervisor, pair[1], pipes);
    return true;
  }
  close(pair[1]);
  close(pipes[0][0]);
  close(pipes[1][1]);
  close(pipes[2][1]);
  int signals = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) give_up("the executor's end cannot be watched for: %s", strerror(errno));
  *child = (struct child){pid, pair[0], {pipes[0][1], pipes[1][0], pipes[2][0]}, signals};
  return false;
}
