#include "calls_out.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "trace.h"

struct waiting_call {
  struct waiting_call *next;
  uint64_t sequence;
  bool answered;
  struct wrapper_result result;
  pthread_cond_t wakes;
};

char session_dispatch_context;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct waiting_call *waiting;
static uint64_t next_sequence;
static bool ended;

/* Locked. */
static struct waiting_call *take(uint64_t sequence) {
  for (struct waiting_call **link = &waiting; *link; link = &(*link)->next) {
    struct waiting_call *call = *link;
    if (call->sequence != sequence) continue;
    *link = call->next;
    return call;
  }
  return NULL;
}

struct wrapper_result session_dispatch(void *context, const void *tag, const char *arguments, size_t size) {
  (void)context;
  if (size > ANSWER_SIZE_MAX) {
    return result_out_of_band("call of %zu bytes, expected at most %llu", size, (unsigned long long)ANSWER_SIZE_MAX);
  }
  uint64_t started = trace_now();
  struct waiting_call call = {.wakes = PTHREAD_COND_INITIALIZER};
  pthread_mutex_lock(&lock);
  if (ended) {
    pthread_mutex_unlock(&lock);
    return result_out_of_band("jit_dispatch not available (EPC server shut down)");
  }
  call.sequence = next_sequence++;
  call.next = waiting;
  waiting = &call;
  pthread_mutex_unlock(&lock);
  int error = frame_write(OPCODE_CALL, call.sequence, (uintptr_t)tag, arguments, size);
  pthread_mutex_lock(&lock);
  if (error && !call.answered) {
    take(call.sequence);
    call.result = result_out_of_band("the controller cannot be called: %s", strerror(error));
    call.answered = true;
  }
  while (!call.answered) pthread_cond_wait(&call.wakes, &lock);
  pthread_mutex_unlock(&lock);
  pthread_cond_destroy(&call.wakes);
  trace_part("call to the controller", started);
  return call.result;
}

static void answer(struct waiting_call *call, struct wrapper_result result) {
  call->result = result;
  call->answered = true;
  pthread_cond_signal(&call->wakes);
}

bool calls_out_result(struct frame *frame, char *sentence, size_t sentence_size) {
  if (frame->tag != 0) {
    snprintf(sentence, sentence_size, "result %llu with tag 0x%llx, expected 0", (unsigned long long)frame->sequence,
             (unsigned long long)frame->tag);
    return false;
  }
  struct sps_writer writer = {frame->payload, frame->payload_size, frame->payload_size};
  struct wrapper_result result = result_of(&writer);
  pthread_mutex_lock(&lock);
  struct waiting_call *call = take(frame->sequence);
  if (call) answer(call, result);
  pthread_mutex_unlock(&lock);
  if (call) return true;
  snprintf(sentence, sentence_size, "result %llu, which no call is waiting for", (unsigned long long)frame->sequence);
  return false;
}

void calls_out_end(void) {
  pthread_mutex_lock(&lock);
  ended = true;
  while (waiting) {
    struct waiting_call *call = take(waiting->sequence);
    answer(call, result_out_of_band("disconnecting"));
  }
  pthread_mutex_unlock(&lock);
}

void calls_out_before_fork(void) { pthread_mutex_lock(&lock); }
void calls_out_after_fork(void) { pthread_mutex_unlock(&lock); }
