/* A program expects a signal that is sent to the process to interrupt what it waits for. Another executor's threads take any, and no
   thread can change another's mask; but a handler that interrupts a thread can change what that thread gets back when it returns. */
#include "signals.h"

#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "jobs.h"

/* The kernel's signal mask at the end of its ucontext has 64 bits, fewer than the C library's. */
enum { MASK_SIZE = 8, MOST_PAUSES = 1000 };

static sigset_t blocked;
static void (*to_do)(ucontext_t *);
static atomic_uint answered;

static void interrupt(int signal, siginfo_t *information, void *context) {
  (void)signal, (void)information;
  to_do(context);
  atomic_fetch_add(&answered, 1);
}

static void block(ucontext_t *context) { memcpy(&context->uc_sigmask, &blocked, MASK_SIZE); }

static void die_with_parent(ucontext_t *context) {
  (void)context;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void process_signals(sigset_t *signals) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  sigfillset(signals);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(signals, faults[i]);
}

void block_process_signals(void) {
  sigset_t signals;
  process_signals(&signals);
  pthread_sigmask(SIG_SETMASK, &signals, NULL);
}

/* A signal that nobody uses or blocks, or 0. */
static int free_signal(void) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  for (int signal = SIGRTMAX; signal >= SIGRTMIN; signal--) {
    struct sigaction action;
    if (sigismember(&mask, signal) || sigaction(signal, NULL, &action) != 0) continue;
    if (!(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL) return signal;
  }
  return 0;
}

static unsigned interrupt_others(int signal) {
  unsigned count = 0;
  DIR *tasks = opendir("/proc/self/task");
  if (!tasks) return 0;
  for (struct dirent *task; (task = readdir(tasks));) {
    int thread = atoi(task->d_name);
    if (thread > 0 && thread != gettid() && syscall(SYS_tgkill, getpid(), thread, signal) == 0) count++;
  }
  closedir(tasks);
  return count;
}

/* All threads but the calling one do it, which must be safe in a signal handler. */
static void in_other_threads(void (*function)(ucontext_t *)) {
  int signal = free_signal();
  if (signal == 0) return;
  to_do = function;
  atomic_store(&answered, 0);
  struct sigaction action = {.sa_sigaction = interrupt, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigfillset(&action.sa_mask);
  if (sigaction(signal, &action, NULL) != 0) return;
  unsigned expected = interrupt_others(signal);
  struct timespec pause = {.tv_nsec = 1000000};
  for (int i = 0; atomic_load(&answered) < expected && i < MOST_PAUSES; i++) nanosleep(&pause, NULL);
  /* Without a handler, one that has not come yet would end the process. */
  if (atomic_load(&answered) < expected) return;
  action = (struct sigaction){.sa_handler = SIG_DFL};
  sigaction(signal, &action, NULL);
}

void signals_leave_other_threads(void) {
  process_signals(&blocked);
  in_other_threads(block);
}

bool signals_end_with_parent(pid_t parent) {
  in_other_threads(die_with_parent);
  /* It may have died before that. */
  return getppid() == parent;
}
