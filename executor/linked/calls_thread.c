/* What the threads of a call channel are, and in which process. */
#include "calls.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HANDLER_STACK = 64 * 1024 };

/* One byte in a page that reads as zero in a forked child. */
static volatile unsigned char *here;

bool calls_are_here(void) { return here && *here; }

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

int calls_mark_process(void) {
  if (here) return 0;
  size_t size = page_size();
  void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return errno;
  if (madvise(page, size, MADV_WIPEONFORK) != 0) {
    int error = errno;
    munmap(page, size);
    return error;
  }
  here = page;
  *here = 1;
  return 0;
}

void calls_unmark_process(void) {
  void *page = (void *)here;
  here = NULL;
  if (page) munmap(page, page_size());
}

void *calls_handler_stack(void) {
  void *memory = mmap(NULL, HANDLER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

void calls_drop_handler_stack(void *memory) {
  if (memory) munmap(memory, HANDLER_STACK);
}

void calls_thread_begins(void *memory) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  sigset_t signals;
  sigfillset(&signals);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&signals, faults[i]);
  pthread_sigmask(SIG_SETMASK, &signals, NULL);
  if (!memory) return;
  stack_t stack = {.ss_sp = memory, .ss_size = HANDLER_STACK};
  sigaltstack(&stack, NULL);
}

void calls_thread_ends(void *handler_stack) {
  if (!handler_stack) return;
  stack_t none = {.ss_flags = SS_DISABLE};
  /* A handler that ended its thread is still on it. */
  if (sigaltstack(&none, NULL) == 0) calls_drop_handler_stack(handler_stack);
}
