#include "failure.h"

#include <stdarg.h>
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

void *allocate(size_t size) {
  void *block = malloc(size ? size : 1);
  if (!block) give_up("no memory for %zu bytes", size);
  return block;
}

void *allocate_zeroed(size_t count, size_t size) {
  void *block = calloc(count ? count : 1, size ? size : 1);
  if (!block) give_up("no memory for %zu times %zu bytes", count, size);
  return block;
}

void *allocate_again(void *block, size_t size) {
  void *larger = realloc(block, size ? size : 1);
  if (!larger) give_up("no memory for %zu bytes", size);
  return larger;
}
