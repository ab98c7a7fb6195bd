/* Runs a linked program as the process's own: on its main thread, with initializers before main and finalizers among
   the exit handlers, in the order in which an ordinary executable has them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "access.h"
#include "arguments.h"
#include "builtins.h"
#include "jobs.h"
#include "reservation.h"
#include "session.h"
#include "thread.h"
#include "trace.h"
#include "wrapper.h"

#define RUN "program run"

typedef unsigned long long ull;

struct array {
  uint64_t start;
  uint64_t end;
};

struct arrays {
  struct array *items;
  size_t count;
};

struct functions {
  uint64_t *items;
  size_t count;
};

struct program {
  struct program *outer; /* started before this one, finalized after it */
  uint64_t main;
  struct argument_vector arguments;
  struct arrays init_arrays;
  struct arrays fini_arrays;
  bool exit_after;
  struct functions init_functions;
  struct functions fini_functions;
};

static atomic_flag running = ATOMIC_FLAG_INIT;
static struct program *started;

bool program_claim(void) { return !atomic_flag_test_and_set(&running); }

static struct arrays read_arrays(struct sps_reader *reader) {
  struct arrays arrays = {NULL, sps_read_count(reader, 16)};
  arrays.items = allocate(arrays.count * sizeof *arrays.items);
  for (size_t i = 0; i < arrays.count; i++) {
    arrays.items[i].start = sps_read_u64(reader);
    arrays.items[i].end = sps_read_u64(reader);
  }
  return arrays;
}

static struct functions read_functions(struct sps_reader *reader) {
  struct functions functions = {NULL, sps_read_count(reader, 8)};
  functions.items = allocate(functions.count * sizeof *functions.items);
  for (size_t i = 0; i < functions.count; i++) functions.items[i] = sps_read_u64(reader);
  return functions;
}

static bool in_linked_memory(struct array array) {
  if (array.start == array.end) return true;
  tables_lock();
  bool covered = (array.end - array.start) % sizeof(uint64_t) == 0 && array.start % sizeof(uint64_t) == 0 &&
                 linked_memory_covers(array.start, array.end, PROT_READ, false);
  tables_unlock();
  return covered;
}

/* 0 and -1 are end marks in old crt files, not functions. */
static bool is_function(uint64_t entry) { return entry != 0 && entry != UINT64_MAX; }

static bool check_arrays(const char *what, const struct arrays *arrays, struct reason *reason) {
  for (size_t i = 0; i < arrays->count; i++) {
    struct array array = arrays->items[i];
    if (!in_linked_memory(array)) {
      return refuse(reason, RUN ": %s array [0x%llx, 0x%llx) is no array of addresses in linked memory", what,
                    (ull)array.start, (ull)array.end);
    }
    for (uint64_t at = array.start; at < array.end; at += sizeof(uint64_t)) {
      uint64_t entry;
      if (!memory_read(&entry, at, sizeof entry)) return refuse(reason, RUN ": %s array entry at 0x%llx cannot be read", what, (ull)at);
      if (is_function(entry) && !address_is_executable(entry)) {
        return refuse(reason, RUN ": %s array entry at 0x%llx is 0x%llx: no code there", what, (ull)at, (ull)entry);
      }
    }
  }
  return true;
}

static bool check_functions(const char *what, const struct functions *functions, struct reason *reason) {
  for (size_t i = 0; i < functions->count; i++) {
    if (is_function(functions->items[i]) && !address_is_executable(functions->items[i])) {
      return refuse(reason, RUN ": %s function 0x%llx: no code there", what, (ull)functions->items[i]);
    }
  }
  return true;
}

static bool check_program(const struct program *program, struct reason *reason) {
  if (!address_is_executable(program->main)) return refuse(reason, RUN ": main at 0x%llx: no code there", (ull)program->main);
  return check_arrays("init", &program->init_arrays, reason) && check_arrays("fini", &program->fini_arrays, reason) &&
         check_functions("init", &program->init_functions, reason) && check_functions("fini", &program->fini_functions, reason);
}

static void call_initializer(const struct program *program, uint64_t function) {
  if (!is_function(function)) return;
  ((void (*)(int, char **, char **))(uintptr_t)function)(program->arguments.count, program->arguments.strings, environ);
}

static void initialize(const struct program *program) {
  for (size_t i = 0; i < program->init_functions.count; i++) call_initializer(program, program->init_functions.items[i]);
  for (size_t i = 0; i < program->init_arrays.count; i++) {
    const uint64_t *end = (const uint64_t *)(uintptr_t)program->init_arrays.items[i].end;
    for (const uint64_t *at = (const uint64_t *)(uintptr_t)program->init_arrays.items[i].start; at < end; at++) call_initializer(program, *at);
  }
}

/* The exit handler, one call per started program, the latest first. Memory that was given up in between is passed over. */
static void finalize_latest(void) {
  struct program *program = started;
  if (!program) return;
  started = program->outer;
  for (size_t i = program->fini_arrays.count; i-- > 0;) {
    if (!in_linked_memory(program->fini_arrays.items[i])) continue;
    const uint64_t *start = (const uint64_t *)(uintptr_t)program->fini_arrays.items[i].start;
    for (const uint64_t *at = (const uint64_t *)(uintptr_t)program->fini_arrays.items[i].end; at > start;) {
      uint64_t function = *--at;
      if (is_function(function)) ((void (*)(void))(uintptr_t)function)();
    }
  }
  for (size_t i = 0; i < program->fini_functions.count; i++) {
    uint64_t function = program->fini_functions.items[i];
    if (is_function(function) && address_is_executable(function)) ((void (*)(void))(uintptr_t)function)();
  }
}

/* The names by which error messages and ps know the process. */
static void take_name(char *name) {
  char *slash = strrchr(name, '/');
  program_invocation_name = name;
  program_invocation_short_name = slash ? slash + 1 : name;
  prctl(PR_SET_NAME, program_invocation_short_name);
  /* Where this is not the process's main thread, ps shows that one's. */
  int fd = gettid() == getpid() ? -1 : open("/proc/self/comm", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t written = write(fd, program_invocation_short_name, strlen(program_invocation_short_name));
  (void)written;
  close(fd);
}

static pthread_key_t main_ends;

/* `own`: threads that are none of the program's. */
static _Noreturn void exit_after_threads(unsigned own) {
  struct timespec pause = {.tv_nsec = 2000000};
  while (threads_of_process() > jobs_own_threads() + own) nanosleep(&pause, NULL);
  exit(0);
}

static void *wait_for_threads(void *unused) {
  (void)unused;
  block_process_signals();
  exit_after_threads(1);
}

/* A main that calls pthread_exit leaves the process to its other threads; the last of them ends it with status 0
   (POSIX, pthread_exit). Ours would keep it for ever, so one of them waits for the program's. The main thread itself ends,
   as another may join it. */
static void outlive_main(void *round) {
  /* The destructors of other keys come first: they may be called in as many rounds. */
  if (round != (void *)PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(main_ends, (char *)round + 1);
    return;
  }
  if (session_in_forked_child()) return; /* none of ours are there */
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_threads, NULL) != 0) exit_after_threads(0);
  pthread_detach(thread);
}

static int call_main(const struct program *program) {
  if (pthread_key_create(&main_ends, outlive_main) != 0) give_up("no key for thread-specific data is left");
  pthread_setspecific(main_ends, (void *)1);
  int status = ((int (*)(int, char **, char **))(uintptr_t)program->main)(program->arguments.count, program->arguments.strings, environ);
  pthread_setspecific(main_ends, NULL);
  pthread_key_delete(main_ends);
  return status;
}

static void free_program(struct program *program) {
  free(program->init_arrays.items);
  free(program->fini_arrays.items);
  free(program->init_functions.items);
  free(program->fini_functions.items);
  free(program);
}

static struct program *read_program(const char *arguments, size_t size, struct reason *reason) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  struct program *program = allocate_zeroed(1, sizeof *program);
  program->main = sps_read_u64(&reader);
  arguments_read(&reader, &program->arguments);
  program->init_arrays = read_arrays(&reader);
  program->fini_arrays = read_arrays(&reader);
  program->exit_after = sps_read_bool(&reader);
  program->init_functions = read_functions(&reader);
  program->fini_functions = read_functions(&reader);
  if (!reader.failed && check_program(program, reason)) return program;
  if (reader.failed) refuse_arguments(reason, RUN, size);
  arguments_free(&program->arguments);
  free_program(program);
  return NULL;
}

/* (Addr main, Sequence<String> argv, Sequence<AddrRange> initArrays, Sequence<AddrRange> finiArrays, bool exitAfter,
   Sequence<Addr> initFunctions, Sequence<Addr> finiFunctions) → Expected<i64> */
struct wrapper_result program_run(const char *arguments, size_t size) {
  struct reason reason;
  struct program *program = NULL;
  if (!jobs_on_main_thread()) refuse(&reason, RUN ": not on the main thread");
  else program = read_program(arguments, size, &reason);
  if (!program) {
    atomic_flag_clear(&running);
    return result_expected_error(&reason);
  }
  environ = program->arguments.environment;
  if (program->arguments.count > 0) take_name(program->arguments.strings[0]);
  program->outer = started;
  started = program;
  atexit(finalize_latest);
  trace_program_part("initializers");
  initialize(program);
  trace_program_part("main");
  int status = call_main(program);
  trace_program_part(program->exit_after ? "exit" : NULL);
  if (program->exit_after) exit(status);
  session_leave_forked_child(status);
  atomic_flag_clear(&running);
  struct sps_writer writer = expected_value();
  sps_write_u64(&writer, (uint64_t)(int64_t)status);
  return result_of(&writer);
}
