#include "marked_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARK_SIZE = 16 };

static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool read_mark(const char *text, uint8_t *mark) {
  for (int i = 0; i < MARK_SIZE; i++) {
    int high = digit(text[2 * i]);
    int low = high < 0 ? -1 : digit(text[2 * i + 1]);
    if (low < 0) return false;
    mark[i] = (uint8_t)(high << 4 | low);
  }
  return text[2 * MARK_SIZE] == ':';
}

bool marked_file_open(const char *backing, int *fd, struct reason *reason) {
  uint8_t wanted[MARK_SIZE], found[MARK_SIZE];
  const char *text = backing + sizeof MARKED_FILE - 1;
  if (!read_mark(text, wanted)) return refuse(reason, "backing %.100s, expected " MARKED_FILE ", %d digits, a colon and a path", backing, 2 * MARK_SIZE);
  const char *path = text + 2 * MARK_SIZE + 1;
  /* Merely opening a device or a pipe of somebody else's could have consequences. */
  int place = open(path, O_PATH | O_CLOEXEC);
  if (place < 0) return refuse(reason, "%s: %s", path, strerror(errno));
  struct stat status;
  bool regular = fstat(place, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= MARK_SIZE;
  char again[64];
  snprintf(again, sizeof again, "/proc/self/fd/%d", place);
  *fd = regular ? open(again, O_RDWR | O_CLOEXEC) : -1;
  int error = errno;
  close(place);
  if (!regular) return refuse(reason, "%s is another file here", path);
  if (*fd < 0) return refuse(reason, "%s: %s", path, strerror(error));
  if (pread(*fd, found, MARK_SIZE, status.st_size - MARK_SIZE) == MARK_SIZE && memcmp(found, wanted, MARK_SIZE) == 0) return true;
  close(*fd);
  return refuse(reason, "%s is another file here", path);
}
