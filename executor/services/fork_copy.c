#include "fork_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "failure.h"
#include "reservation.h"

enum { WAIT_MILLISECONDS = 10 * 1000, HIGH = 500 };

static bool is_copy; /* of another process, whose shared data is private here */
/* Nobody writes to it: it ends for the parent when the child has closed its end, has died, or was never made. */
static int copying[2] = {-1, -1};

/* Calls `visit` with every range that is shared, until it fails. */
static bool for_each_shared(bool (*visit)(const struct reservation *slab, const struct segment *segment)) {
  for (size_t i = 0; i < reservations.count; i++) {
    const struct reservation *slab = reservations.items[i].owner;
    if (slab->kind != SLAB || slab->fd < 0) continue;
    for (const struct region *region = slab->regions; region; region = region->earlier) {
      for (size_t j = 0; j < region->segment_count; j++) {
        if (region->segments[j].shared && !visit(slab, &region->segments[j])) return false;
      }
    }
  }
  return true;
}

static bool is_none(const struct reservation *slab, const struct segment *segment) {
  (void)slab, (void)segment;
  return false;
}

static bool read_all(int fd, uint8_t *into, uint64_t offset, uint64_t size) {
  while (size > 0) {
    ssize_t count = pread(fd, into, size, (off_t)offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    into += count;
    offset += (uint64_t)count;
    size -= (uint64_t)count;
  }
  return true;
}

/* Only what has ever been touched: an array of a gigabyte that is mostly empty costs its other pages alone. False where files have no holes
   that can be asked for, or the program has closed the descriptor. */
static bool copy_extents(int fd, uint8_t *copy, uint64_t offset, uint64_t size) {
  uint64_t end = offset + size;
  for (uint64_t at = offset; at < end;) {
    off_t data = lseek(fd, (off_t)at, SEEK_DATA);
    if (data < 0) return errno == ENXIO; /* no more of it */
    if ((uint64_t)data >= end) return true;
    off_t hole = lseek(fd, data, SEEK_HOLE);
    if (hole < 0) return false;
    uint64_t stop = (uint64_t)hole < end ? (uint64_t)hole : end;
    if (!read_all(fd, copy + ((uint64_t)data - offset), (uint64_t)data, stop - (uint64_t)data)) return false;
    at = stop;
  }
  return true;
}

static bool replace_by_copy(const struct reservation *slab, const struct segment *segment) {
  uint8_t *start = (uint8_t *)(uintptr_t)segment->start;
  uint64_t size = segment->end - segment->start;
  uint8_t *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (copy == MAP_FAILED) return false;
  if (!copy_extents(slab->fd, copy, segment->start - slab->base, size)) memcpy(copy, start, size);
  return mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, start) != MAP_FAILED;
}

void fork_copy_before(void) {
  if (is_copy || for_each_shared(is_none)) return;
  if (pipe2(copying, O_CLOEXEC) != 0) return; /* without descriptors to be had nobody waits */
  for (int i = 0; i < 2; i++) {
    int high = fcntl(copying[i], F_DUPFD_CLOEXEC, HIGH); /* out of the way of the program's own descriptors */
    if (high < 0) continue;
    close(copying[i]);
    copying[i] = high;
  }
}

static void close_ends(void) {
  for (int i = 0; i < 2; i++) {
    if (copying[i] >= 0) close(copying[i]);
    copying[i] = -1;
  }
}

static int64_t milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void fork_copy_in_parent(void) {
  if (copying[0] < 0) return;
  int error = errno; /* fork's own, if it failed */
  close(copying[1]);
  copying[1] = -1;
  struct pollfd end = {.fd = copying[0], .events = POLLIN};
  int64_t limit = milliseconds() + WAIT_MILLISECONDS;
  for (int64_t left = WAIT_MILLISECONDS; left > 0; left = limit - milliseconds()) {
    if (poll(&end, 1, (int)left) >= 0 || errno != EINTR) break;
  }
  close_ends();
  errno = error;
}

void fork_copy_in_child(void) {
  if (is_copy) return;
  if (!for_each_shared(replace_by_copy)) {
    complain("a forked child cannot have a copy of the data that is shared with the controller: %s", strerror(errno));
    _exit(1);
  }
  is_copy = true;
  close_ends();
}
