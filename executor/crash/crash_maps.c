#include "crash_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 4096 + 128, NEAR = 1 << 20 };

/* A hexadecimal number; moves `at` behind it and the character that follows. */
static uint64_t take_number(const char **at, const char *end) {
  uint64_t number = 0;
  for (; *at < end; (*at)++) {
    char c = **at;
    if (c >= '0' && c <= '9') number = number * 16 + (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f') number = number * 16 + (uint64_t)(c - 'a' + 10);
    else break;
  }
  if (*at < end) (*at)++;
  return number;
}

static bool is_around(uint64_t start, uint64_t end, uint64_t address) {
  return address + NEAR >= start && (address < end || address - end < NEAR);
}

/* `start-end rwxp offset device inode   name\n`. Linked code is not listed: the controller knows where it is. */
static void take_line(struct crash_maps *maps, const char *line, size_t size) {
  const char *at = line, *line_end = line + size;
  uint64_t start = take_number(&at, line_end), end = take_number(&at, line_end);
  if (line_end - at < 4) return;
  if (at[0] == 'r' && end > maps->stack && maps->readable_end == 0) {
    maps->readable_start = start;
    maps->readable_end = end;
  }
  bool is_code = at[2] == 'x' && memmem(line, size, "/memfd:", 7) == NULL;
  if (!is_code && !is_around(start, end, maps->near) && !is_around(start, end, maps->stack)) return;
  if (maps->size + size > maps->capacity) return;
  memcpy(maps->text + maps->size, line, size);
  maps->size += size;
}

void crash_maps_read(struct crash_maps *maps) {
  char buffer[LINE_MAX_SIZE];
  size_t filled = 0;
  int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  for (;;) {
    ssize_t count = read(fd, buffer + filled, sizeof buffer - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    filled += (size_t)count;
    size_t done = 0;
    for (char *newline; (newline = memchr(buffer + done, '\n', filled - done)); done = (size_t)(newline + 1 - buffer)) {
      take_line(maps, buffer + done, (size_t)(newline + 1 - buffer) - done);
    }
    if (done == 0 && filled == sizeof buffer) done = filled; /* no line of the kernel's is that long */
    filled -= done;
    memmove(buffer, buffer + done, filled);
  }
  close(fd);
}
