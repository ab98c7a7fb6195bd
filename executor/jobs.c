#include "jobs.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crash/crash.h"
#include "services/failure.h"
#include "services/thread.h"
#include "session.h"
#include "trace.h"

/* Calls may nest (linked code calls the controller, which calls linked code), so the pool grows while all its threads
   are busy. Beyond this many, calls wait. */
enum { POOL_MAX = 64, JOBS_MAX = 100000 };
#define JOBS_SIZE_MAX ((size_t)1 << 30) /* of their payloads */

struct queue {
  struct job *first;
  struct job **last;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t main_wakes = PTHREAD_COND_INITIALIZER;
static pthread_cond_t pool_wakes = PTHREAD_COND_INITIALIZER;
static pthread_cond_t job_done = PTHREAD_COND_INITIALIZER;
static struct queue main_queue = {NULL, &main_queue.first};
static struct queue pool_queue = {NULL, &pool_queue.first};
static unsigned main_jobs; /* queued or running on the main thread */
static unsigned unanswered; /* queued, running or about to be answered anywhere */
static unsigned all_jobs;  /* queued or running anywhere */
static size_t all_payloads; /* bytes that these hold */
static unsigned pool_queued, pool_idle, pool_threads;
static bool ended;

static void push(struct queue *queue, struct job *job) {
  job->next = NULL;
  *queue->last = job;
  queue->last = &job->next;
}

static struct job *pop(struct queue *queue) {
  struct job *job = queue->first;
  queue->first = job->next;
  if (!queue->first) queue->last = &queue->first;
  return job;
}

/* Locked before and after. Before the answer is sent the job counts as over: what the controller asks for next, quicker than this thread goes
   on, would otherwise start a thread, now and then, and what lies where in the process would depend on that. */
static void run(struct job *job, bool on_main) {
  pthread_mutex_unlock(&lock);
  trace_request_begins(job->name, (uintptr_t)job->function, job->sequence, job->payload_size, trace_now());
  struct wrapper_result result = job->function((const char *)job->payload, job->payload_size);
  session_leave_forked_child(0);
  trace_request_ends();
  pthread_mutex_lock(&lock);
  all_jobs--;
  if (on_main) main_jobs--;
  pthread_mutex_unlock(&lock);
  session_answer(job->sequence, &result);
  size_t payload_size = job->payload_size;
  free(job->payload);
  free(job);
  pthread_mutex_lock(&lock);
  all_payloads -= payload_size;
  if (--unanswered == 0) pthread_cond_broadcast(&job_done);
}

void block_process_signals(void) {
  sigset_t signals;
  sigfillset(&signals);
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&signals, faults[i]);
  pthread_sigmask(SIG_SETMASK, &signals, NULL);
}

static void *serve_pool(void *unused) {
  block_process_signals();
  crash_thread_starts();
  pthread_mutex_lock(&lock);
  for (;;) {
    while (!pool_queue.first) {
      pool_idle++;
      pthread_cond_wait(&pool_wakes, &lock);
      pool_idle--;
    }
    pool_queued--;
    run(pop(&pool_queue), false);
  }
  return unused;
}

/* Locked. */
static void add(struct queue *queue, struct job *job) {
  push(queue, job);
  all_jobs++;
  unanswered++;
  all_payloads += job->payload_size;
}

/* Locked. */
static void add_to_pool(struct job *job) {
  add(&pool_queue, job);
  pool_queued++;
  if (pool_queued <= pool_idle || pool_threads == POOL_MAX) {
    pthread_cond_signal(&pool_wakes);
    return;
  }
  int error = thread_start(serve_pool);
  if (error == 0) {
    pool_threads++;
  } else if (pool_threads == 0) {
    give_up("no thread for a call: %s", strerror(error));
  }
}

/* Locked. */
static void add_to_main(struct job *job) {
  add(&main_queue, job);
  main_jobs++;
  pthread_cond_signal(&main_wakes);
}

bool jobs_have_room(size_t payload_size) {
  pthread_mutex_lock(&lock);
  bool room = unanswered < JOBS_MAX && payload_size <= JOBS_SIZE_MAX - all_payloads;
  pthread_mutex_unlock(&lock);
  return room;
}

void jobs_post_main(struct job *job) {
  pthread_mutex_lock(&lock);
  add_to_main(job);
  pthread_mutex_unlock(&lock);
}

void jobs_post_main_if_idle(struct job *job) {
  pthread_mutex_lock(&lock);
  if (main_jobs == 0) add_to_main(job);
  else add_to_pool(job);
  pthread_mutex_unlock(&lock);
}

void jobs_post_pool(struct job *job) {
  pthread_mutex_lock(&lock);
  add_to_pool(job);
  pthread_mutex_unlock(&lock);
}

bool jobs_running(void) {
  pthread_mutex_lock(&lock);
  bool running = all_jobs > 0;
  pthread_mutex_unlock(&lock);
  return running;
}

bool jobs_unanswered(void) {
  pthread_mutex_lock(&lock);
  bool some = unanswered > 0;
  pthread_mutex_unlock(&lock);
  return some;
}

bool jobs_on_main_thread(void) { return gettid() == getpid(); }

unsigned jobs_own_threads(void) {
  pthread_mutex_lock(&lock);
  unsigned count = 2 + pool_threads;
  pthread_mutex_unlock(&lock);
  return count;
}

void jobs_serve_main(void) {
  pthread_mutex_lock(&lock);
  for (;;) {
    if (main_queue.first) {
      run(pop(&main_queue), true);
    } else if (ended && unanswered == 0) {
      break;
    } else {
      pthread_cond_wait(&main_wakes, &lock);
    }
  }
  pthread_mutex_unlock(&lock);
}

bool jobs_end(unsigned seconds) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += seconds;
  pthread_mutex_lock(&lock);
  int error = 0;
  while (unanswered > 0 && error == 0) error = pthread_cond_timedwait(&job_done, &lock, &deadline);
  bool done = unanswered == 0;
  ended = done;
  pthread_cond_signal(&main_wakes);
  pthread_mutex_unlock(&lock);
  return done;
}
