#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls_out.h"
#include "frame.h"
#include "jobs.h"
#include "services/access.h"
#include "services/builtins.h"
#include "services/finalize.h"
#include "services/fork_copy.h"
#include "services/thread.h"
#include "supervisor/supervisor.h"
#include "trace.h"

#if defined(__x86_64__)
#define TRIPLE "x86_64-pc-linux-gnu"
#elif defined(__aarch64__)
#define TRIPLE "aarch64-unknown-linux-gnu"
#elif defined(__riscv)
#define TRIPLE "riscv64-unknown-linux-gnu"
#endif

/* How long running calls may take after the controller has gone; nobody is there any more for their results. */
enum { LINGER_SECONDS = 10 };

/* How long nothing may come from LLVM's controller before it is asked whether it is still there (frame.h). */
enum { IDLE_MILLISECONDS = 100 };

static pid_t session_pid;
static bool ends_with_parent;
static atomic_bool code_was_released;
static atomic_bool serves_llvm;

void session_serves_llvm(void) { atomic_store(&serves_llvm, true); }

void session_code_was_released(void) { atomic_store(&code_was_released, true); }

void session_leave_forked_child(int status) {
  if (session_in_forked_child()) exit(status);
}

bool session_in_forked_child(void) { return getpid() != session_pid; }

void session_answer(uint64_t sequence, struct wrapper_result *result) {
  if (result->size > ANSWER_SIZE_MAX) {
    complain("the answer to call %llu has %zu bytes, expected at most %llu", (unsigned long long)sequence, result->size,
             (unsigned long long)ANSWER_SIZE_MAX);
    result_free(result);
  }
  /* An out-of-band error has no form on this wire: its result is empty (EPC-PROTOCOL section 4). A failed write needs
     no handling, the reader sees the end of the stream. */
  frame_write(OPCODE_RESULT, sequence, 0, result_bytes(result), result->size);
  result_free(result);
}

static void send_setup(void) {
  struct sps_writer writer = {0};
  size_t count, tag_count, announced = 0;
  const struct builtin *all = builtins(&count);
  const struct supervisor_tag *tags = supervisor_tags(&tag_count);
  for (size_t i = 0; i < count; i++) announced += builtin_is_announced(&all[i]);
  sps_write_string(&writer, TRIPLE);
  sps_write_u64(&writer, page_size());
  sps_write_u64(&writer, 0); /* bootstrap map */
  sps_write_u64(&writer, announced + tag_count);
  for (size_t i = 0; i < count; i++) {
    if (!builtin_is_announced(&all[i])) continue;
    sps_write_string(&writer, all[i].name);
    sps_write_u64(&writer, all[i].address);
  }
  for (size_t i = 0; i < tag_count; i++) {
    sps_write_string(&writer, tags[i].name);
    sps_write_u64(&writer, (uintptr_t)tags[i].address);
  }
  int error = frame_write(OPCODE_SETUP, 0, 0, writer.data, writer.size);
  free(writer.data);
  if (error) give_up("writing to the controller failed: %s", strerror(error));
}

static void answer_now(const char *name, wrapper_function *function, struct frame *frame) {
  trace_request_begins(name, (uintptr_t)function, frame->sequence, frame->payload_size, frame->arrived);
  struct wrapper_result result = function((const char *)frame->payload, frame->payload_size);
  trace_request_ends();
  session_answer(frame->sequence, &result);
  free(frame->payload);
  allocate_spare();
}

static struct wrapper_result second_program(const char *arguments, size_t size) {
  (void)arguments, (void)size;
  struct reason reason;
  refuse(&reason, "program run: a program is running already");
  return result_expected_error(&reason);
}

static struct wrapper_result no_code(const char *arguments, size_t size) {
  (void)arguments, (void)size;
  return result_out_of_band("no code there");
}

static struct wrapper_result no_room(const char *arguments, size_t size) {
  (void)arguments, (void)size;
  return result_out_of_band("too many calls wait");
}

static void call(struct frame *frame) {
  const struct builtin *builtin = builtin_at(frame->tag);
  wrapper_function *function = (wrapper_function *)(uintptr_t)frame->tag;
  const char *name = builtin ? builtin->name : NULL;
  enum place place = builtin ? builtin->place : NOT_CALLABLE;
  if (builtin && builtin->runs_linked_code && builtin->runs_linked_code((const char *)frame->payload, frame->payload_size)) {
    place = ON_MAIN_IF_IDLE;
  }
  if (place == NOT_CALLABLE && (builtin || !address_is_executable(frame->tag))) {
    complain("call to 0x%llx: no code there", (unsigned long long)frame->tag);
    answer_now("no code", no_code, frame);
    return;
  }
  if (place == ON_READER || (place == NEAR_LOADER && !jobs_running())) {
    answer_now(name, function, frame);
    return;
  }
  if (!jobs_have_room(frame->payload_size)) {
    complain("call to 0x%llx: too many calls wait already", (unsigned long long)frame->tag);
    answer_now(name, no_room, frame);
    return;
  }
  if (place == ON_MAIN && !program_claim()) {
    answer_now(name, second_program, frame);
    return;
  }
  struct job *job = allocate(sizeof *job);
  *job = (struct job){NULL, frame->sequence, function, frame->payload, frame->payload_size, name};
  trace_received(name, frame->tag, frame->sequence, frame->payload_size, frame->arrived);
  if (place == ON_MAIN) jobs_post_main(job);
  else if (place == ON_MAIN_IF_IDLE) jobs_post_main_if_idle(job);
  else jobs_post_pool(job);
}

/* The controller has gone, in order or not. */
static void end(void) {
  if (ends_with_parent) {
    shared_unlink_names();
    /* A controller that still listens is to know that this is no program's end. */
    frame_hang_up("the stream from the controller has ended");
    if (jobs_unanswered()) kill(getpid(), SIGKILL);
    _exit(0);
  }
  calls_out_end();
  if (!jobs_end(LINGER_SECONDS)) give_up("the controller has gone, and linked code was still running %d seconds later", LINGER_SECONDS);
}

static void broken(const char *sentence) {
  shared_unlink_names();
  give_up("%s", sentence);
}

static void wait_for_frame(void) {
  while (atomic_load(&serves_llvm) && !frame_wait(IDLE_MILLISECONDS)) {
    if (!jobs_unanswered()) frame_nudge();
  }
}

static void *read_frames(void *unused) {
  char sentence[256];
  struct frame frame;
  block_process_signals();
  trace_thread_is(TRACE_READER);
  for (;;) {
    wait_for_frame();
    switch (frame_read(&frame, sentence, sizeof sentence)) {
      case FRAME_END:
        end();
        return unused;
      case FRAME_BROKEN:
        broken(sentence);
        return unused;
      case FRAME_READ:
        break;
    }
    switch (frame.opcode) {
      case OPCODE_CALL:
        call(&frame);
        break;
      case OPCODE_RESULT:
        if (frame_answers_nudge(&frame)) {
          free(frame.payload);
          break;
        }
        if (calls_out_result(&frame, sentence, sizeof sentence)) break;
        broken(sentence);
        return unused;
      case OPCODE_HANGUP:
        free(frame.payload);
        end();
        return unused;
      default:
        broken("the controller sent a Setup frame, which only executors send");
        return unused;
    }
  }
}

static void before_fork(void) {
  tables_lock();
  fork_copy_before();
  calls_out_before_fork();
  frame_before_fork();
  trace_before_fork();
}

static void after_fork_in_parent(void) {
  trace_after_fork_in_parent();
  frame_after_fork_in_parent();
  calls_out_after_fork();
  fork_copy_in_parent();
  tables_unlock();
}

static void after_fork_in_child(void) {
  fork_copy_in_child();
  trace_after_fork_in_child();
  frame_after_fork_in_child();
  calls_out_after_fork();
  tables_unlock();
}

void session_start(int input, int output, bool parent_bound) {
  session_pid = getpid();
  ends_with_parent = parent_bound;
  frame_start(input, output);
  send_setup();
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  int error = thread_start(read_frames);
  if (error) give_up("no thread to read with: %s", strerror(error));
}

void session_exit(void) {
  shared_unlink_names();
  if (atomic_load(&code_was_released)) {
    /* Handlers of released code are still registered somewhere in the C library; running them would be a crash. */
    give_up_everything();
    fflush(NULL);
    _exit(0);
  }
  /* Handlers run first, while everything is in place, then the deallocate actions: registered first, called last. */
  exit(0);
}
