/* Preloaded into a process, lets the N-th call from then on of one of these fail for want of memory, once:

     int scarce_after(int N)   0: none; gives how many calls there have been since the last time */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>

static atomic_int seen, failing;

__attribute__((visibility("default"))) int scarce_after(int count) {
  int before = atomic_exchange(&seen, 0);
  atomic_store(&failing, count);
  return before;
}

static int fails(void) {
  int number = atomic_fetch_add(&seen, 1) + 1;
  if (number != atomic_load(&failing)) return 0;
  errno = ENOMEM;
  return 1;
}

#define NEXT(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
  /* Without anything that could call back: the C library maps before it can look names up. */
  if (fails()) return MAP_FAILED;
  long result;
  register long r10 __asm__("r10") = flags;
  register long r8 __asm__("r8") = fd;
  register long r9 __asm__("r9") = offset;
  __asm__ volatile("syscall" : "=a"(result) : "a"(9), "D"(address), "S"(size), "d"((long)protection), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return MAP_FAILED;
  }
  return (void *)result;
}

void *mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset) __attribute__((alias("mmap")));

int mprotect(void *address, size_t size, int protection) {
  return fails() ? -1 : NEXT(int, mprotect, void *, size_t, int)(address, size, protection);
}

int memfd_create(const char *name, unsigned flags) {
  return fails() ? -1 : NEXT(int, memfd_create, const char *, unsigned)(name, flags);
}

ssize_t write(int fd, const void *bytes, size_t size) {
  return fails() ? -1 : NEXT(ssize_t, write, int, const void *, size_t)(fd, bytes, size);
}

void *dlopen(const char *path, int mode) {
  /* The loader finds out whose call it is by the return address: one without a namespace of its own will do here. */
  return fails() ? 0 : NEXT(void *, dlopen, const char *, int)(path, mode);
}
