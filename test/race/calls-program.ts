/** A controller of a call channel in C, for the native side of it (executor/linked/calls.c): everything that the two share is in one program. */
export const CALLS_PROGRAM = `
#include "calls.h"
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void __slablink_import(uint64_t id, void *block, uint64_t size);
void __slablink_calls_start_here(uint64_t *argument);
void __slablink_calls_stop_here(void *unused);
void __slablink_calls_left_here(uint64_t *argument);

enum { USED = 12, CALLS = 400, DETACHED = 8 };

/* What is called: the block holds a number, and becomes four times the number plus 2. */
static uint64_t ask(uint64_t x) {
  uint64_t block[2] = {x, 0};
  __slablink_import(1, block, sizeof block);
  return block[0];
}
static void *asker(void *x) { return (void *)ask((uint64_t)x); }
static void *late(void *x) {
  usleep(1000);
  for (int i = 0; i < 1000; i++) ask((uint64_t)x);
  return NULL;
}
static uint64_t through_thread(uint64_t x) {
  pthread_t thread;
  void *result;
  assert(pthread_create(&thread, NULL, asker, (void *)x) == 0);
  pthread_join(thread, &result);
  return (uint64_t)result;
}
static uint64_t directly(uint64_t x) { return ask(x) + ask(x) + 2 * x; }
static uint64_t by_threads(uint64_t x) { return through_thread(x) + ask(x) + 2 * x; }
static uint64_t leaves(uint64_t x) {
  if (x < USED) return 4 * x + 2;
  pthread_exit(NULL);
}
static void shim(void *block, void *target) { *(uint64_t *)block = ((uint64_t (*)(uint64_t))target)(*(uint64_t *)block); }

static struct control *control;
static struct lane *lanes;
static int ends[2];
static uint64_t given[USED];
static bool is_lost[USED];

static void futex(_Atomic uint32_t *word, int operation, uint32_t value) {
  struct timespec limit = {0, 20000000};
  syscall(SYS_futex, word, operation, value, operation == FUTEX_WAIT ? &limit : NULL, NULL, 0);
}
static void order(struct lane *lane, uint32_t state) {
  atomic_store(&lane->state, state);
  if (atomic_load(&lane->sleeps)) futex(&lane->state, FUTEX_WAKE, INT_MAX);
}
static void call(size_t i, void *target, uint32_t flags) {
  struct lane *lane = &lanes[i];
  lane->flags = flags;
  lane->at = LANE_HEADER;
  lane->end = LANE_HEADER + 16;
  lane->shim = (double)(uintptr_t)shim;
  lane->target = (double)(uintptr_t)target;
  *(uint64_t *)((char *)lane + LANE_HEADER) = given[i] = (uint64_t)rand() % 1000;
  if (target == (void *)leaves) *(uint64_t *)((char *)lane + LANE_HEADER) = given[i] = USED;
  order(lane, STATE_CALL);
}
static void answer(struct lane *lane, bool with_nothing) {
  assert(with_nothing || lane->id == 1);
  uint64_t *block = (uint64_t *)((char *)lane + lane->at);
  *block = with_nothing ? 0 : *block + 1;
  lane->end = lane->at;
  order(lane, STATE_RESULT);
}

static int left = CALLS;
static bool look(size_t i) {
  struct lane *lane = &lanes[i];
  uint32_t state = atomic_load(&lane->state);
  if (state == STATE_IMPORT) {
    atomic_store(&lane->state, STATE_SERVED);
    answer(lane, false);
    return true;
  }
  if (i >= USED || is_lost[i]) return false;
  if (state == STATE_FAILED) {
    assert(given[i] == USED && lane->size == 0);
    is_lost[i] = true;
    return true;
  }
  if (state != STATE_DONE || left == 0) return false;
  assert(*(uint64_t *)((char *)lane + LANE_HEADER) == 4 * given[i] + 2);
  if (--left > 0) call(i, left % 3 ? (void *)directly : (void *)by_threads, left % 5 == 0 ? FLAG_SYNC : 0);
  return true;
}
static bool look_at_all(void) {
  bool found = false;
  for (size_t word = 0; word < 3; word++) atomic_exchange(&control->events[word], 0);
  for (size_t i = 0; i < LANES; i++) found |= look(i);
  return found;
}
static bool has_events(void) {
  return atomic_load(&control->events[0]) || atomic_load(&control->events[1]) || atomic_load(&control->events[2]);
}
static void rest(int how) {
  if (how == 0) return;
  atomic_store(&control->looking, how == 1 ? LOOKING_SLEEPS : LOOKING_AWAY);
  uint32_t bell = atomic_load(&control->doorbell);
  if (!has_events() && how == 1) futex(&control->doorbell, FUTEX_WAIT, bell);
  struct pollfd end = {.fd = ends[0], .events = POLLIN};
  char byte;
  if (!has_events() && how == 2 && poll(&end, 1, 20) == 1 && read(ends[0], &byte, 1) == 1) atomic_store(&control->awakened, 0);
  atomic_store(&control->looking, LOOKING_NOW);
}

int main(void) {
  size_t size = CONTROL_SIZE + LANES * LANE_SIZE;
  void *area = aligned_alloc(4096, size);
  memset(area, 0, size);
  control = area;
  lanes = (struct lane *)((char *)area + CONTROL_SIZE);
  assert(pipe(ends) == 0);
  sprintf((char *)area + PATH_OFFSET, "/proc/self/fd/%d", ends[1]);
  uint64_t argument[2] = {(uint64_t)area, 1};
  __slablink_calls_start_here(argument);
  assert(argument[1] == 0);
  for (size_t i = 0; i < USED; i++) {
    call(i, i == 3 || i == 4 ? (void *)leaves : (void *)directly, 0);
    atomic_store(&control->wanted, (uint32_t)i + 1);
    futex(&control->wanted, FUTEX_WAKE, INT_MAX);
  }
  for (int idle = 0; left > 0 || !is_lost[3] || !is_lost[4];) {
    if (!look_at_all()) rest(idle++ / 50 % 3);
  }
  /* The end comes while others call. */
  for (int i = 0; i < DETACHED; i++) {
    pthread_t thread;
    assert(pthread_create(&thread, NULL, late, NULL) == 0);
    pthread_detach(thread);
  }
  for (int i = 0; i < 200; i++) if (!look_at_all()) usleep(50);
  atomic_store(&control->closing, 1);
  while (atomic_load(&control->threads) != 0) {
    futex(&control->wanted, FUTEX_WAKE, INT_MAX);
    for (size_t i = 0; i < LANES; i++) {
      struct lane *lane = &lanes[i];
      uint32_t state = atomic_load(&lane->state);
      if (state == STATE_IMPORT) answer(lane, true);
      else if (i < USED && (state == STATE_DONE || state == STATE_IDLE)) order(lane, STATE_STOP);
    }
    usleep(100);
  }
  __slablink_calls_stop_here(NULL);
  memset(area, 0xff, size);
  free(area);
  do {
    usleep(1000);
    __slablink_calls_left_here(argument);
  } while (!argument[0]);
  puts("over");
  return 0;
}
`;
