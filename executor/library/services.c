/* slablink's services for another executor, LLVM's: its dylib manager loads this library, and the controller calls the one function
   that it exports, which does what slablink-executor does as it starts and answers the addresses of the wrapper functions. They are the
   same as in slablink-executor, but for two that belong on a thread of their own (program_thread.c). */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "program_thread.h"
#include "services/arguments.h"
#include "services/builtins.h"
#include "services/descriptors.h"
#include "signals.h"

#define START "services start"

/* Where the process's auxiliary vector is can be seen as long as nobody has changed the environment. */
__attribute__((constructor)) static void find_auxiliary_vector(int count, char **arguments, char **environment) {
  if (environment == arguments + count + 1) arguments_find_auxiliary_vector();
}

static struct wrapper_result run_program(const char *arguments, size_t size) {
  if (program_claim()) return program_thread_call(program_run, arguments, size);
  struct reason reason;
  refuse(&reason, "program run: a program is running already");
  return result_expected_error(&reason);
}

static struct wrapper_result load_image(const char *arguments, size_t size) {
  return program_thread_call(image_load, arguments, size);
}

/* The number behind the prefix, which may be followed by a comma and more; -1 for anything else. */
static int number_in(const char *text, const char **rest) {
  char *end;
  errno = 0;
  long number = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : -1;
  if (number < 0 || errno || number > 0x7fffffff || (*end && *end != ',')) return -1;
  *rest = *end ? end + 1 : NULL;
  return (int)number;
}

static void restore(const char *variable, const char *value) {
  if (value) setenv(variable, value, 1);
  else unsetenv(variable);
}

static const char *after(const char *word, const char *prefix) {
  size_t size = strlen(prefix);
  return strncmp(word, prefix, size) == 0 ? word + size : NULL;
}

/* One word, as slablink-executor has them in its command line. */
static bool obey(const char *word, struct reason *reason) {
  const char *value, *rest = NULL;
  int number;
  if (strcmp(word, "tunables") == 0) restore("GLIBC_TUNABLES", NULL);
  else if ((value = after(word, "tunables="))) restore("GLIBC_TUNABLES", value);
  else if ((value = after(word, "parent="))) {
    if ((number = number_in(value, &rest)) <= 0) return refuse(reason, START ": %s, expected a process id", word);
    if (!signals_end_with_parent(number)) return refuse(reason, START ": process %d, the parent, has gone", number);
  } else if ((value = after(word, "stream="))) {
    /* The executor goes on to use it under this number; what the program starts is not to have it. */
    if ((number = number_in(value, &rest)) < 0 || fcntl(number, F_SETFD, FD_CLOEXEC) < 0) {
      return refuse(reason, START ": %s, expected an open descriptor", word);
    }
  } else if ((value = after(word, "slab="))) {
    if ((number = number_in(value, &rest)) < 0 || descriptor_announce(number) < 0) {
      return refuse(reason, START ": %s, expected an open descriptor", word);
    }
  } else if ((value = after(word, "preload="))) {
    if ((number = number_in(value, &rest)) < 0 || close(number) < 0) {
      return refuse(reason, START ": %s, expected an open descriptor", word);
    }
    restore("LD_PRELOAD", rest);
  } else if (strcmp(word, "lowheap") == 0) {
    int persona = personality(0xffffffff);
    if (persona >= 0) personality((unsigned long)persona & ~(unsigned long)ADDR_NO_RANDOMIZE);
  } else {
    return refuse(reason, START ": unknown word %.200s", word);
  }
  return true;
}

static bool obey_all(struct sps_reader *reader, size_t size, struct reason *reason) {
  struct argument_vector words;
  /* Decoded before the first is obeyed. */
  if (!arguments_read(reader, &words)) return refuse_arguments(reason, START, size);
  bool succeeded = program_thread_start(reason);
  for (int i = 0; succeeded && i < words.count; i++) succeeded = obey(words.strings[i], reason);
  return succeeded;
}

static uint64_t address_of(const struct builtin *builtin) {
  if (builtin->address == (uintptr_t)program_run) return (uintptr_t)run_program;
  if (builtin->address == (uintptr_t)image_load) return (uintptr_t)load_image;
  return builtin->address;
}

static int write_library(struct dl_phdr_info *object, size_t size, void *writer) {
  (void)size;
  sps_write_string(writer, object->dlpi_name);
  return 0;
}

static int count_library(struct dl_phdr_info *object, size_t size, void *count) {
  (void)object, (void)size;
  ++*(uint64_t *)count;
  return 0;
}

/* The process's objects, in the loader's order: what comes with the program is not the first to use them. */
static void write_libraries(struct sps_writer *writer) {
  uint64_t count = 0;
  dl_iterate_phdr(count_library, &count);
  sps_write_u64(writer, count);
  dl_iterate_phdr(write_library, writer);
}

static struct wrapper_result names(void) {
  size_t count, announced = 0;
  const struct builtin *all = builtins(&count);
  struct sps_writer writer = expected_value();
  for (size_t i = 0; i < count; i++) announced += builtin_is_announced(&all[i]);
  sps_write_u64(&writer, announced);
  for (size_t i = 0; i < count; i++) {
    if (!builtin_is_announced(&all[i])) continue;
    sps_write_string(&writer, all[i].name);
    sps_write_u64(&writer, address_of(&all[i]));
  }
  write_libraries(&writer);
  return result_of(&writer);
}

/* (Sequence<String> words) → Expected<Tuple<Sequence<Tuple<String name, Addr>>, Sequence<String library>>> */
__attribute__((visibility("default"))) struct wrapper_result __slablink_services_start(const char *arguments, size_t size);
struct wrapper_result __slablink_services_start(const char *arguments, size_t size) {
  static atomic_flag started = ATOMIC_FLAG_INIT;
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, size);
  bool first = !atomic_flag_test_and_set(&started);
  if (!first) refuse(&reason, START ": they have been started already");
  if (first && obey_all(&reader, size, &reason)) return names();
  return result_expected_error(&reason);
}
