#include "trace.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "services/sps.h"
#include "session.h"

enum { CAPACITY = 1024, NANOSECONDS = 1000000000 };

/* Numbers on the wire. */
enum kind { KIND_PART, KIND_REQUEST, KIND_ACTION, KIND_RECEIVED };

struct trace_span {
  enum kind kind;
  enum trace_thread role;
  pid_t thread;
  const char *name;  /* NULL: linked code */
  uint64_t address;  /* of what was called; 0: nothing was */
  uint64_t sequence; /* of the request, where it is one's */
  uint64_t size;     /* of the request's payload */
  uint64_t start;
  uint64_t end; /* 0: not yet */
};

bool trace_is_on;
char trace_batches;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct trace_span spans[CAPACITY];
static size_t span_count;

static _Thread_local enum trace_thread own_role = TRACE_TASK;
static _Thread_local struct trace_span own_request;
/* Of the program, on the main thread. */
static struct trace_span program_request;
static struct trace_span program_part;

uint64_t trace_now(void) {
  if (!trace_is_on) return 0;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

/* Seconds apart: a controller in JavaScript counts exactly to 2^53, which is 104 days in nanoseconds. */
static void write_time(struct sps_writer *writer, uint64_t time) {
  sps_write_u64(writer, time / NANOSECONDS);
  sps_write_u32(writer, (uint32_t)(time % NANOSECONDS));
}

static void write_span(struct sps_writer *writer, const struct trace_span *span) {
  sps_write_u8(writer, (uint8_t)span->kind);
  sps_write_u8(writer, (uint8_t)span->role);
  sps_write_u32(writer, (uint32_t)span->thread);
  sps_write_string(writer, span->name ? span->name : "");
  sps_write_u64(writer, span->address);
  sps_write_u64(writer, span->sequence);
  sps_write_u64(writer, span->size);
  write_time(writer, span->start);
  write_time(writer, span->end);
}

/* Locked. What has been recorded, and what the program is at, if anything. */
static struct sps_writer take_batch(void) {
  struct sps_writer writer = {0};
  bool runs = program_request.start != 0;
  bool has_part = program_part.start != 0;
  sps_write_u32(&writer, (uint32_t)getpid());
  sps_write_u64(&writer, span_count + runs + has_part);
  for (size_t i = 0; i < span_count; i++) write_span(&writer, &spans[i]);
  if (runs) write_span(&writer, &program_request);
  if (has_part) write_span(&writer, &program_part);
  span_count = 0;
  return writer;
}

/* There is no answer to a batch: who reads it may be gone by then, as may we. */
static void hand_over(struct sps_writer *batch) {
  if (batch->size) frame_write(OPCODE_CALL, 0, (uintptr_t)&trace_batches, batch->data, batch->size);
  free(batch->data);
}

static void record(struct trace_span span) {
  struct sps_writer batch = {0};
  span.role = own_role;
  span.thread = gettid();
  span.end = trace_now();
  pthread_mutex_lock(&lock);
  spans[span_count++] = span;
  if (span_count == CAPACITY) batch = take_batch();
  pthread_mutex_unlock(&lock);
  hand_over(&batch);
}

void trace_thread_is(enum trace_thread role) { own_role = role; }

void trace_part(const char *name, uint64_t start) {
  if (trace_is_on) record((struct trace_span){.kind = KIND_PART, .name = name, .start = start});
}

void trace_action(const char *name, uint64_t address, uint64_t start) {
  if (trace_is_on) record((struct trace_span){.kind = KIND_ACTION, .name = name, .address = address, .start = start});
}

void trace_received(const char *name, uint64_t address, uint64_t sequence, size_t size, uint64_t start) {
  if (!trace_is_on) return;
  record((struct trace_span){.kind = KIND_RECEIVED, .name = name, .address = address, .sequence = sequence, .size = size, .start = start});
}

void trace_request_begins(const char *name, uint64_t address, uint64_t sequence, size_t size, uint64_t start) {
  if (!trace_is_on) return;
  own_request = (struct trace_span){KIND_REQUEST, own_role, gettid(), name, address, sequence, size, start, 0};
}

void trace_request_ends(void) {
  if (!trace_is_on || own_request.start == 0) return;
  record(own_request);
  own_request.start = 0;
}

void trace_program_part(const char *name) {
  if (!trace_is_on) return;
  uint64_t now = trace_now();
  pthread_mutex_lock(&lock);
  if (program_part.start) {
    program_part.end = now;
    spans[span_count++] = program_part;
  }
  program_part = (struct trace_span){.kind = KIND_PART, .role = own_role, .thread = gettid(), .name = name, .start = name ? now : 0};
  program_request = name ? own_request : (struct trace_span){0};
  struct sps_writer batch = take_batch();
  pthread_mutex_unlock(&lock);
  hand_over(&batch);
}

/* The process's last exit handler, on whichever thread exit() was called: a program ends here. */
static void trace_end(void) {
  if (!trace_is_on || session_in_forked_child()) return;
  pthread_mutex_lock(&lock);
  program_request.end = program_part.end = trace_now();
  struct sps_writer batch = take_batch();
  pthread_mutex_unlock(&lock);
  hand_over(&batch);
}

void trace_start(void) {
  trace_is_on = true;
  own_role = TRACE_MAIN;
  atexit(trace_end);
}

void trace_before_fork(void) { pthread_mutex_lock(&lock); }
void trace_after_fork_in_parent(void) { pthread_mutex_unlock(&lock); }

void trace_after_fork_in_child(void) {
  trace_is_on = false;
  pthread_mutex_unlock(&lock);
}

/* () → (u32 process, Sequence<span>) */
struct wrapper_result trace_take(const char *arguments, size_t size) {
  (void)arguments, (void)size;
  pthread_mutex_lock(&lock);
  struct sps_writer batch = take_batch();
  pthread_mutex_unlock(&lock);
  return result_of(&batch);
}
