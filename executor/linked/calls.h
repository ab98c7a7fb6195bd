/* The area that both sides of a call channel see, and what the files of its native side share. docs/calls.md has the picture;
   src/calls/call-area.ts has the same numbers. */
#ifndef SLABLINK_CALLS_H
#define SLABLINK_CALLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  CONTROL_SIZE = 4096,
  LANE_SIZE = 132 * 1024,
  CALL_LANES = 64,
  FOREIGN_LANES = 16, /* for imports that threads call which are not ours */
  LANES = CALL_LANES + FOREIGN_LANES,
  LANE_HEADER = 64,
  PATH_OFFSET = 512,
};

/* What a lane's state says. Orders come from the controller; while the state is none, the lane waits. */
enum lane_state {
  STATE_IDLE,
  STATE_CALL,    /* order: call `target` through `shim`, the block is at `at` */
  STATE_IMPORT,  /* the lane calls import `id`, whose block of `size` bytes is at `at` */
  STATE_SERVED,  /* the controller works on that; calls may come meanwhile */
  STATE_RESULT,  /* order: the block holds the import's result */
  STATE_DONE,    /* the call is over, the block holds its result */
  STATE_STOP,    /* order: the thread is to end */
  STATE_FAILED,  /* there is no thread: `size` is an errno, or 0 when it ended inside a call */
};

enum lane_flag {
  FLAG_SYNC = 1, /* the controller looks at this lane itself: it wants no event */
};

/* What the controller is doing. */
enum looking {
  LOOKING_AWAY,   /* wake it by the pipe */
  LOOKING_NOW,    /* it will see */
  LOOKING_SLEEPS, /* it sleeps on `doorbell` */
};

struct lane {
  _Atomic uint32_t state;
  _Atomic uint32_t sleeps; /* the lane's thread sleeps on `state` */
  uint32_t flags;
  uint32_t at, end; /* the block and what belongs to it: offsets in the lane */
  uint32_t size;
  double shim, target, id; /* below 2^53 each: JavaScript writes and reads them in one piece */
  uint32_t unused[4];
  unsigned char room[LANE_SIZE - LANE_HEADER];
};

struct control {
  _Atomic uint32_t doorbell;
  _Atomic uint32_t looking;
  _Atomic uint32_t awakened; /* a byte is in the pipe */
  uint32_t unused0[13];
  _Atomic uint32_t events[3]; /* a bit for each lane that has something to say */
  uint32_t unused1[13];
  _Atomic uint32_t wanted; /* lanes that are to have threads; the keeper sleeps on it */
  _Atomic uint32_t closing;
  _Atomic uint32_t threads; /* how many of ours live, the keeper among them, and how many others call imports */
  uint32_t unused2[13];
};

_Static_assert(sizeof(struct lane) == LANE_SIZE, "a lane's size");
_Static_assert(offsetof(struct lane, room) == LANE_HEADER, "a lane's header");
_Static_assert(sizeof(struct control) <= PATH_OFFSET, "the control page");

/* What a wrapper function returns (executor/services/wrapper.h); up to eight bytes are in `value`. */
struct call_result {
  union {
    char *pointer;
    char value[8];
  } data;
  size_t size;
};

#define EXPORTED __attribute__((visibility("default")))

/* Whether this process is the one that the channel was opened in: a forked child has no controller. */
bool calls_are_here(void);
int calls_mark_process(void);
void calls_unmark_process(void);

/* A stack for a thread's signal handlers, or NULL. Made by who starts the thread: were it made by the thread itself, what the process maps next
   would lie here or there as it happens. */
void *calls_handler_stack(void);
void calls_drop_handler_stack(void *memory);
/* Blocks all signals but those that answer an instruction, and takes that stack. Undone by thread_ends. */
void calls_thread_begins(void *handler_stack);
void calls_thread_ends(void *handler_stack);

/* Where there is no common memory: asks the controller by a message. */
void calls_import_by_message(uint64_t id, void *block, uint64_t size);
extern bool calls_by_message;

#endif
