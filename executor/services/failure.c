#include "failure.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"

bool refuse(struct reason *reason, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason->text, sizeof reason->text, format, arguments);
  va_end(arguments);
  return false;
}

/* write() and not stdio: stderr's buffer and lock belong to the linked program. */
static void write_sentence(const char *sentence) {
  char line[REASON_SIZE + 64];
  int size = snprintf(line, sizeof line, "slablink-executor: %s\n", sentence);
  ssize_t written = write(STDERR_FILENO, line, (size_t)size);
  (void)written;
}

void complain(const char *format, ...) {
  char sentence[REASON_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  write_sentence(sentence);
}

void give_up(const char *format, ...) {
  char sentence[REASON_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  write_sentence(sentence);
  frame_hang_up(sentence);
  _exit(1);
}

/* Given back when there is nothing else: a request that finds no memory is to be refused by what it asks the system for, not to end the
   process because a few bytes for its own list are missing. */
enum { SPARE_SIZE = 64 * 1024 };
static _Atomic(void *) spare;

void allocate_spare(void) {
  if (atomic_load(&spare)) return;
  void *block = malloc(SPARE_SIZE), *none = NULL;
  if (block && !atomic_compare_exchange_strong(&spare, &none, block)) free(block);
}

static bool give_spare(void) {
  void *block = atomic_exchange(&spare, NULL);
  free(block);
  return block != NULL;
}

void *allocate(size_t size) {
  void *block = malloc(size ? size : 1);
  if (!block && give_spare()) block = malloc(size ? size : 1);
  if (!block) give_up("no memory for %zu bytes", size);
  return block;
}

void *allocate_zeroed(size_t count, size_t size) {
  void *block = calloc(count ? count : 1, size ? size : 1);
  if (!block && give_spare()) block = calloc(count ? count : 1, size ? size : 1);
  if (!block) give_up("no memory for %zu times %zu bytes", count, size);
  return block;
}

void *allocate_again(void *block, size_t size) {
  void *larger = realloc(block, size ? size : 1);
  if (!larger && give_spare()) larger = realloc(block, size ? size : 1);
  if (!larger) give_up("no memory for %zu bytes", size);
  return larger;
}
