/* slablink's native executor: takes requests over a stream, holds the linked memory, runs the linked code. It speaks
   LLVM's SimpleRemoteEPC protocol, so LLVM's controllers can use it as well. The main thread belongs to the linked
   program; a reader thread serves the stream. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "crash/crash.h"
#include "jobs.h"
#include "options.h"
#include "services/arguments.h"
#include "services/descriptors.h"
#include "services/failure.h"
#include "services/finalize.h"
#include "session.h"
#include "supervisor/supervisor.h"
#include "trace.h"

/* Set when the controller ended the session in order; a program's own exit() leaves its memory alone. */
static bool session_is_over;

static void run_deallocate_actions(void) {
  if (session_is_over) give_up_everything();
}

static int move_high(int fd) {
  int moved = descriptor_move_high(fd);
  if (moved < 0) give_up("descriptor %d cannot be moved: %s", fd, strerror(errno));
  return moved;
}

static void die_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  /* It may have died before that. */
  if (getppid() != parent) give_up("process %d, the parent, has gone", (int)parent);
}

/* The loader grants objects loaded later no larger alignment of static thread-local storage than something had at start. */
static _Thread_local char alignment_of_thread_locals __attribute__((aligned(256), used));

int main(int count, char **arguments) {
  arguments_find_auxiliary_vector();
  struct options options = options_read(count, arguments);
  if (options.parent) die_with(options.parent);
  if (options.supervised) {
    supervise(&options);
    die_with(options.parent);
  }
  if (options.trace) trace_start();
  /* A supervisor serves slablink's controllers only, which take reports. */
  if (options.crash || options.supervised) crash_start();
  uint64_t started = trace_now();
  atexit(run_deallocate_actions);
  allocate_spare();
  int input = move_high(options.input);
  int output = options.output == options.input ? input : move_high(options.output);
  session_start(input, output, options.parent != 0);
  trace_part("start", started);
  jobs_serve_main();
  session_is_over = true;
  session_exit();
}
