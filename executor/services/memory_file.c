#include "memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "descriptors.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

/* Kernels before 6.3 do not know MFD_EXEC; vm.memfd_noexec=2 forbids it. Code can be mapped without, too. */
static int create_in_memory(void) {
  int fd = memfd_create("slablink-image", MFD_CLOEXEC | MFD_EXEC);
  return fd < 0 && (errno == EINVAL || errno == EACCES) ? memfd_create("slablink-image", MFD_CLOEXEC) : fd;
}

static bool maps_code(int fd) {
  struct statvfs status;
  if (fstatvfs(fd, &status) != 0) return false;
  if (!(status.f_flag & ST_NOEXEC)) return true;
  errno = EACCES;
  return false;
}

/* By the link that /proc has for each descriptor; false where there is no /proc. */
static bool take_link(int fd, struct memory_file *file) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (access(path, F_OK) != 0) return false;
  char *kept = strdup(path);
  if (!kept) return false;
  *file = (struct memory_file){fd, kept, false};
  return true;
}

static bool create_unnamed(const char *directory, struct memory_file *file) {
  int opened = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  int fd = opened < 0 ? -1 : descriptor_move_high(opened);
  if (fd >= 0 && maps_code(fd) && take_link(fd, file)) return true;
  if (fd >= 0 || opened >= 0) close(fd >= 0 ? fd : opened);
  return false;
}

static bool create_named(const char *directory, struct memory_file *file) {
  /* Never a name for the second time: the loader knows what it has loaded by that. */
  static atomic_uint count;
  char *path;
  if (asprintf(&path, "%s/slablink-image-%d-%u", directory, (int)getpid(), atomic_fetch_add(&count, 1)) < 0) return false;
  int opened = open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);
  int fd = opened < 0 ? -1 : descriptor_move_high(opened);
  if (fd >= 0 && maps_code(fd)) {
    *file = (struct memory_file){fd, path, true};
    return true;
  }
  int error = errno;
  if (opened >= 0) unlink(path);
  if (fd >= 0 || opened >= 0) close(fd >= 0 ? fd : opened);
  free(path);
  errno = error;
  return false;
}

static bool create_in_directory(struct memory_file *file) {
  const char *directories[] = {getenv("XDG_RUNTIME_DIR"), "/dev/shm", getenv("TMPDIR"), "/tmp", "/var/tmp"};
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
    if (!directories[i] || *directories[i] != '/') continue;
    if (create_unnamed(directories[i], file) || create_named(directories[i], file)) return true;
  }
  return false;
}

bool memory_file_create(struct memory_file *file, struct reason *reason) {
  int created = create_in_memory();
  int error = errno;
  int fd = created < 0 ? -1 : descriptor_move_high(created);
  if (created >= 0 && fd < 0) {
    refuse(reason, "a descriptor for a file in memory: %s", strerror(errno));
    close(created);
    return false;
  }
  if (fd >= 0 && take_link(fd, file)) return true;
  if (fd >= 0) close(fd);
  /* A limit, not a rule of the place: another file would not be to be had either. */
  bool is_limit = fd < 0 && (error == EMFILE || error == ENFILE || error == ENOMEM);
  if (!is_limit && create_in_directory(file)) return true;
  if (is_limit) return refuse(reason, "a file in memory: %s", strerror(error));
  return refuse(reason, "%s%s, and none of $XDG_RUNTIME_DIR, /dev/shm, $TMPDIR, /tmp, /var/tmp takes a file whose code may be mapped: %s",
                fd < 0 ? "memfd_create: " : "/proc/self/fd is not there", fd < 0 ? strerror(error) : "",
                fd < 0 ? "allow memfd_create(2)" : "mount /proc");
}

void memory_file_hide(struct memory_file *file) {
  if (file->is_named && unlink(file->path) != 0) complain("%s stays: %s", file->path, strerror(errno));
  file->is_named = false;
}

void memory_file_close(struct memory_file *file) {
  memory_file_hide(file);
  close(file->fd);
  free(file->path);
}
