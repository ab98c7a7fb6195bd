#include "program_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobs.h"
#include "services/fork_copy.h"
#include "services/reservation.h"
#include "services/thread.h"
#include "session.h"
#include "signals.h"

struct call {
  struct call *next;
  wrapper_function *function;
  const char *arguments;
  size_t size;
  bool done;
  struct wrapper_result result;
  pthread_cond_t wakes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t called = PTHREAD_COND_INITIALIZER;
static struct call *first_call;
static struct call **last_call = &first_call;
static unsigned calls;           /* waiting or being made */
static unsigned other_threads;   /* of the executor, without those that make calls */
static pid_t process_id;
static pid_t program_thread_id;
static sigset_t program_mask;

/* jobs.h, as far as these services ask. */
bool jobs_on_main_thread(void) { return gettid() == program_thread_id; }

bool jobs_running(void) {
  pthread_mutex_lock(&lock);
  bool running = calls > 0;
  pthread_mutex_unlock(&lock);
  return running;
}

unsigned jobs_own_threads(void) {
  pthread_mutex_lock(&lock);
  unsigned count = other_threads + calls;
  pthread_mutex_unlock(&lock);
  return count;
}

/* session.h likewise. */
bool session_in_forked_child(void) { return getpid() != process_id; }

void session_leave_forked_child(int status) {
  if (session_in_forked_child()) exit(status);
}

/* Only LLVM's memory managers release code, and these services' controller does not use them. */
void session_code_was_released(void) {}

/* Whose session it is, is the affair of the executor that these services are loaded into. */
void session_serves_llvm(void) {}

static void *serve(void *unused) {
  pthread_sigmask(SIG_SETMASK, &program_mask, NULL);
  pthread_mutex_lock(&lock);
  program_thread_id = gettid();
  pthread_cond_broadcast(&called);
  for (;;) {
    while (!first_call) pthread_cond_wait(&called, &lock);
    struct call *call = first_call;
    first_call = call->next;
    if (!first_call) last_call = &first_call;
    pthread_mutex_unlock(&lock);
    struct wrapper_result result = call->function(call->arguments, call->size);
    session_leave_forked_child(0);
    pthread_mutex_lock(&lock);
    call->result = result;
    call->done = true;
    calls--;
    pthread_cond_signal(&call->wakes);
  }
  return unused;
}

static void before_fork(void) {
  tables_lock();
  fork_copy_before();
}

static void after_fork_in_parent(void) {
  fork_copy_in_parent();
  tables_unlock();
}

static void after_fork_in_child(void) {
  fork_copy_in_child();
  tables_unlock();
}

bool program_thread_start(struct reason *reason) {
  process_id = getpid();
  other_threads = threads_of_process() - 1;
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  /* The thread of this call has the mask that the process was started with. */
  pthread_sigmask(SIG_SETMASK, NULL, &program_mask);
  signals_leave_other_threads();
  /* A program may join what it takes for its main thread. */
  int error = thread_start_joinable(serve);
  if (error) return refuse(reason, "services start: no thread for the program: %s", strerror(error));
  pthread_mutex_lock(&lock);
  while (program_thread_id == 0) pthread_cond_wait(&called, &lock);
  pthread_mutex_unlock(&lock);
  return true;
}

struct wrapper_result program_thread_call(wrapper_function *function, const char *arguments, size_t size) {
  struct call call = {.function = function, .arguments = arguments, .size = size, .wakes = PTHREAD_COND_INITIALIZER};
  pthread_mutex_lock(&lock);
  *last_call = &call;
  last_call = &call.next;
  calls++;
  pthread_cond_broadcast(&called);
  while (!call.done) pthread_cond_wait(&call.wakes, &lock);
  pthread_mutex_unlock(&lock);
  pthread_cond_destroy(&call.wakes);
  return call.result;
}
