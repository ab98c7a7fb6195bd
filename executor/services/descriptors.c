#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HIGH = 500, INHERITED_MAX = 32 };

int descriptor_move_high(int fd) {
  struct rlimit limit;
  int lowest = HIGH;
  /* Small limits leave fewer numbers: take from the upper half. */
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < HIGH + 64) lowest = (int)(limit.rlim_cur / 2);
  if (fd >= lowest) return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
  if (moved < 0) return -1;
  close(fd);
  if (fd <= STDERR_FILENO) {
    int null = open("/dev/null", O_RDWR);
    if (null >= 0 && null != fd) {
      dup2(null, fd);
      close(null);
    }
  }
  return moved;
}

static struct {
  int number;
  int fd;
} announced[INHERITED_MAX];
static int announced_count;

int descriptor_inherited(int number) {
  for (int i = 0; i < announced_count; i++) {
    if (announced[i].number == number) return announced[i].fd;
  }
  return -1;
}

int descriptor_announce(int number) {
  if (descriptor_inherited(number) >= 0) return 0;
  if (announced_count == INHERITED_MAX) {
    errno = EMFILE;
    return -1;
  }
  int fd = descriptor_move_high(number);
  if (fd < 0) return -1;
  announced[announced_count].number = number;
  announced[announced_count++].fd = fd;
  return 0;
}
