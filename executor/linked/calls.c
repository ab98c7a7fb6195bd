/* The executor's side of a call channel: threads that run calls, and calls out of linked code to the controller. It is linked like a
   program's code, once for each channel. Both sides wait for each other by futexes in memory that they share, and spin before they
   sleep as long as that has paid. */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef void shim_function(void *block, void *target);

enum {
  STACK_SIZE = 8 << 20,
  SPIN_NANOSECONDS = 200000, /* two threads that wake each other take nearly as long: less would never get them out of it */
  SPIN_ROUND = 64,
  MISSES_MAX = 4, /* so often it may have spun in vain before it sleeps at once */
  PROBE = 16,     /* but each time after so many */
  ALONE_ROUNDS = 4, /* after these it lets other threads run in between */
  BUSY_NANOSECONDS = 30000, /* a round that takes so long means that there are others: then the one that is waited for cannot run */
};

static struct control *control;
static struct lane *lanes;
static int wake_fd = -1;
/* Nobody is there for imports any more, nor is the area. */
static _Atomic bool stopped;

/* The lane of this thread, where its room is free, and the flags of the call that it runs. */
static _Thread_local struct lane *own_lane;
static _Thread_local uint32_t own_end;
static _Thread_local uint32_t own_flags;
/* Of the last waits, how many were longer than spinning pays. */
static _Thread_local uint32_t own_misses;
static _Thread_local uint32_t own_waits;

static pthread_t threads[CALL_LANES];
static bool started[CALL_LANES];
static pthread_t keeper;
static void *handler_stacks[CALL_LANES], *keeper_handler_stack;

static pthread_mutex_t foreign_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t foreign_free = PTHREAD_COND_INITIALIZER;
static bool foreign_taken[FOREIGN_LANES];
/* Threads that are not ours, in imports: none of them touches the area once this is 0 and `stopped` is set. */
static _Atomic uint32_t foreign_inside;

/* Threads that the closing sent back into linked code, which must stay until they have ended: the key's destructor counts that. It is
   sem_post itself, as code of ours would be gone before it has returned. */
static pthread_key_t sent_back_key;
static _Atomic uint32_t sent_back;
static sem_t sent_back_ended;

static void futex_wait(_Atomic uint32_t *word, uint32_t value) { syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0); }
static void futex_wake(_Atomic uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0); }

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static bool is_order(uint32_t state) { return state == STATE_CALL || state == STATE_RESULT || state == STATE_STOP; }

/* Waits for the controller's next order. errno is the program's: a thread's calls follow each other as in a program. */
static uint32_t next_order(struct lane *lane) {
  int error = errno;
  uint32_t state;
  if (own_misses < MISSES_MAX || ++own_waits % PROBE == 0) {
    uint64_t began = now(), last = began, time;
    for (int round = 0;; round++) {
      for (int i = 0; i < SPIN_ROUND; i++) {
        state = atomic_load_explicit(&lane->state, memory_order_acquire);
        if (is_order(state)) {
          own_misses = 0;
          return state;
        }
        relax();
      }
      if (round >= ALONE_ROUNDS) sched_yield();
      time = now();
      if (time - began > SPIN_NANOSECONDS || time - last > BUSY_NANOSECONDS) break;
      last = time;
    }
    if (own_misses < MISSES_MAX) own_misses++;
  }
  for (;;) {
    /* Each side writes its own word and then reads the other's: one of the two sees what it needs. */
    atomic_store(&lane->sleeps, 1);
    state = atomic_load(&lane->state);
    if (is_order(state)) break;
    futex_wait(&lane->state, state);
  }
  atomic_store_explicit(&lane->sleeps, 0, memory_order_relaxed);
  errno = error;
  return state;
}

/* The lane's state becomes `state`, and the controller learns of it. */
static void tell(struct lane *lane, uint32_t state, uint32_t flags) {
  atomic_store(&lane->state, state);
  bool sync = flags & FLAG_SYNC;
  if (!sync) {
    uint32_t index = (uint32_t)(lane - lanes);
    atomic_fetch_or(&control->events[index / 32], 1u << index % 32);
  }
  uint32_t looking = atomic_load(&control->looking);
  if (!sync || looking == LOOKING_SLEEPS) atomic_fetch_add(&control->doorbell, 1);
  if (looking == LOOKING_SLEEPS) futex_wake(&control->doorbell);
  if (looking == LOOKING_AWAY && !sync && atomic_exchange(&control->awakened, 1) == 0) {
    syscall(SYS_write, wake_fd, "", 1); /* a full pipe wakes as well; and write() would be a cancellation point */
  }
}

static uint32_t round_up(uint32_t offset) { return (offset + 15) & -16u; }

static void run(struct lane *lane) {
  uint32_t end_before = own_end, flags_before = own_flags, flags = lane->flags;
  own_end = round_up(lane->end);
  own_flags = flags;
  shim_function *shim = (shim_function *)(uintptr_t)lane->shim;
  shim((unsigned char *)lane + lane->at, (void *)(uintptr_t)lane->target);
  if (!calls_are_here()) _exit(0); /* a forked child that came back to us */
  own_end = end_before;
  own_flags = flags_before;
  int error = errno;
  tell(lane, STATE_DONE, flags);
  errno = error;
}

/* Runs what comes until there is a result, or the end. */
static uint32_t serve(struct lane *lane) {
  for (;;) {
    uint32_t order = next_order(lane);
    if (order != STATE_CALL) return order;
    run(lane);
  }
}

/* Takes the block to the controller and back through the lane's room. */
static void ask(struct lane *lane, uint64_t id, void *block, uint64_t size) {
  uint32_t at = own_end;
  bool fits = size <= LANE_SIZE - at;
  if (fits) memcpy((unsigned char *)lane + at, block, size);
  lane->id = (double)id;
  lane->at = at;
  lane->size = fits ? (uint32_t)size : UINT32_MAX;
  own_end = fits ? round_up(at + (uint32_t)size) : at;
  tell(lane, STATE_IMPORT, own_flags);
  uint32_t order = serve(lane);
  if (order == STATE_RESULT && fits) memcpy(block, (unsigned char *)lane + at, size);
  else memset(block, 0, size);
  /* Strings among the results stay until the call returns: the controller moves the end behind them. */
  own_end = order == STATE_RESULT ? round_up(lane->end) : at;
}

static size_t take_foreign(void) {
  pthread_mutex_lock(&foreign_lock);
  for (;;) {
    for (size_t i = 0; i < FOREIGN_LANES; i++) {
      if (foreign_taken[i]) continue;
      foreign_taken[i] = true;
      pthread_mutex_unlock(&foreign_lock);
      return i;
    }
    pthread_cond_wait(&foreign_free, &foreign_lock);
  }
}

static void lane_fails(struct lane *lane, uint32_t error) {
  lane->size = error;
  tell(lane, STATE_FAILED, 0);
}

/* A thread whose import is over because of the closing is known until it ends. */
static void note_sent_back(void) {
  if (!atomic_load(&control->closing) || pthread_getspecific(sent_back_key)) return;
  if (pthread_setspecific(sent_back_key, &sent_back_ended) == 0) atomic_fetch_add(&sent_back, 1);
}

static void give_foreign(struct lane *lane) {
  own_lane = NULL;
  atomic_store(&lane->state, STATE_IDLE);
  pthread_mutex_lock(&foreign_lock);
  foreign_taken[lane - lanes - CALL_LANES] = false;
  pthread_cond_signal(&foreign_free);
  pthread_mutex_unlock(&foreign_lock);
  note_sent_back();
  atomic_fetch_sub(&control->threads, 1);
}

/* pthread_exit() in a call within an import. The lane is free when the controller has seen that. */
static void leave_foreign(void *argument) {
  struct lane *lane = argument;
  if (!calls_are_here()) return;
  lane_fails(lane, 0);
  atomic_store(&lane->sleeps, 1);
  while (atomic_load(&lane->state) == STATE_FAILED) futex_wait(&lane->state, STATE_FAILED);
  atomic_store_explicit(&lane->sleeps, 0, memory_order_relaxed);
  give_foreign(lane);
  atomic_fetch_sub(&foreign_inside, 1);
}

static void ask_from_foreign_thread(uint64_t id, void *block, uint64_t size) {
  atomic_fetch_add(&control->threads, 1); /* the area stays until it has left */
  struct lane *lane = &lanes[CALL_LANES + take_foreign()];
  own_lane = lane; /* it may be called, and call, again while it waits */
  own_end = LANE_HEADER;
  own_flags = 0;
  pthread_cleanup_push(leave_foreign, lane);
  if (atomic_load(&control->closing)) memset(block, 0, size);
  else ask(lane, id, block, size);
  pthread_cleanup_pop(0);
  give_foreign(lane);
}

/* What import thunks call. Without a controller the result is 0. A thread that is not ours is not cancelled in here: somebody may be on
   his way to answer it. */
EXPORTED void __slablink_import(uint64_t id, void *block, uint64_t size) {
  int error = errno;
  if (own_lane && calls_are_here()) {
    ask(own_lane, id, block, size);
    errno = error;
    return;
  }
  int cancel_state;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
  atomic_fetch_add(&foreign_inside, 1);
  if (atomic_load(&stopped) || !calls_are_here()) memset(block, 0, size);
  else if (calls_by_message) calls_import_by_message(id, block, size);
  else ask_from_foreign_thread(id, block, size);
  atomic_fetch_sub(&foreign_inside, 1);
  pthread_setcancelstate(cancel_state, NULL);
  errno = error;
}

static void leave(void *argument) {
  struct lane *lane = argument;
  if (!calls_are_here()) return; /* the area of a forked child's parent is none of its business */
  lane_fails(lane, 0);
  calls_thread_ends(handler_stacks[lane - lanes]);
  atomic_fetch_sub(&control->threads, 1); /* the keeper joins it, as it joins all: its own thread-locals may still be destroyed */
}

static void *run_lane(void *argument) {
  struct lane *lane = argument;
  calls_thread_begins(handler_stacks[lane - lanes]);
  own_lane = lane;
  own_end = LANE_HEADER;
  pthread_cleanup_push(leave, lane); /* pthread_exit() in a call */
  serve(lane);
  pthread_cleanup_pop(0);
  calls_thread_ends(handler_stacks[lane - lanes]);
  atomic_fetch_sub(&control->threads, 1);
  return NULL;
}

static int start_thread(pthread_t *thread, void **handler_stack, void *(*function)(void *), void *argument) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error) return error;
  *handler_stack = calls_handler_stack();
  error = pthread_attr_setstacksize(&attributes, STACK_SIZE);
  if (!error) error = pthread_create(thread, &attributes, function, argument);
  pthread_attr_destroy(&attributes);
  if (error) calls_drop_handler_stack(*handler_stack);
  return error;
}

/* Starts lanes as they are wanted, so that the controller need not ask for any by a request. */
static void *keep(void *unused) {
  calls_thread_begins(keeper_handler_stack);
  uint32_t count = 0;
  for (;;) {
    uint32_t wanted = atomic_load(&control->wanted);
    for (; count < wanted && count < CALL_LANES; count++) {
      struct lane *lane = &lanes[count];
      atomic_fetch_add(&control->threads, 1);
      int error = start_thread(&threads[count], &handler_stacks[count], run_lane, lane);
      started[count] = error == 0;
      if (error == 0) continue;
      atomic_fetch_sub(&control->threads, 1);
      lane_fails(lane, (uint32_t)error);
    }
    if (atomic_load(&control->closing)) break;
    futex_wait(&control->wanted, wanted);
  }
  for (uint32_t i = 0; i < count; i++) {
    if (started[i]) pthread_join(threads[i], NULL);
  }
  calls_thread_ends(keeper_handler_stack);
  atomic_fetch_sub(&control->threads, 1);
  return unused;
}

/* Argument: the area's address. The control page holds the path of the pipe that wakes the controller. Result: 0 or an errno. */
static int start(void *area) {
  control = area;
  lanes = (struct lane *)((unsigned char *)area + CONTROL_SIZE);
  int error = calls_mark_process();
  if (error) return error;
  wake_fd = open((const char *)area + PATH_OFFSET, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  error = wake_fd < 0 ? errno : pthread_key_create(&sent_back_key, (void (*)(void *))(void (*)(void))sem_post);
  if (!error) {
    sem_init(&sent_back_ended, 0, 0);
    atomic_store(&control->threads, 1);
    error = start_thread(&keeper, &keeper_handler_stack, keep, NULL);
    if (!error) return 0;
    pthread_key_delete(sent_back_key);
  }
  if (wake_fd >= 0) close(wake_fd);
  calls_unmark_process();
  return error;
}

/* Only when the controller has seen that all threads are about to end. */
static void stop(void) {
  pthread_join(keeper, NULL);
  atomic_store(&stopped, true);
  /* Who came in before that finds that the channel closes, and leaves at once. */
  while (atomic_load(&foreign_inside) != 0) sched_yield();
  close(wake_fd);
  calls_unmark_process();
}

/* After that: whether all threads that were sent back into linked code have ended. */
static bool has_left(void) {
  while (sem_trywait(&sent_back_ended) == 0) atomic_fetch_sub(&sent_back, 1);
  if (atomic_load(&sent_back) != 0) return false;
  pthread_key_delete(sent_back_key);
  return true;
}

/* For a controller in this process. The argument is {Addr area, u64 result}. */
EXPORTED void __slablink_calls_start_here(uint64_t *argument) { argument[1] = (uint64_t)start((void *)(uintptr_t)argument[0]); }
EXPORTED void __slablink_calls_stop_here(void *unused) { (void)unused, stop(); }
/* The argument is {u64 result}: 1 when linked code may go. */
EXPORTED void __slablink_calls_left_here(uint64_t *argument) { argument[0] = has_left(); }

/* For one elsewhere: Addr area → u64; nothing → nothing. */
EXPORTED struct call_result __slablink_calls_start(const char *arguments, size_t size) {
  struct call_result result = {.size = sizeof(uint64_t)};
  uint64_t area, error = EINVAL;
  if (size == sizeof area) {
    memcpy(&area, arguments, sizeof area);
    error = (uint64_t)start((void *)(uintptr_t)area);
  }
  memcpy(result.data.value, &error, sizeof error);
  return result;
}

EXPORTED struct call_result __slablink_calls_stop(const char *arguments, size_t size) {
  (void)arguments, (void)size;
  stop();
  return (struct call_result){.size = 0};
}
