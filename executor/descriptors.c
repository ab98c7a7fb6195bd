#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

int descriptor_inherited(int number) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static struct {
    int number;
    int fd;
  } known[INHERITED_MAX];
  static int count;
  int fd = -1;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < count; i++) {
    if (known[i].number == number) fd = known[i].fd;
  }
  if (fd < 0 && count == INHERITED_MAX) {
    errno = EMFILE;
  } else if (fd < 0) {
    fd = descriptor_move_high(number);
    if (fd >= 0) {
      known[count].number = number;
      known[count++].fd = fd;
    }
  }
  pthread_mutex_unlock(&lock);
  return fd;
}
