/* The wrappers B mem_write_* and mem_read_*, and the checked access beneath them: process_vm_readv/writev on this very
   process, where the kernel reports a bad address as EFAULT and honours the pages' protections. Only words in linked
   segments of ours are written directly, with the tables locked: nobody takes the memory away meanwhile. */
#include "access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "builtins.h"
#include "frame.h"
#include "maps.h"
#include "reservation.h"
#include "wrapper.h"

static bool covers(uint64_t address, size_t size, int protection) {
  if (address + size < address) return false;
  tables_lock();
  bool covered = linked_memory_covers(address, address + size, protection, true);
  tables_unlock();
  return covered;
}

bool memory_read(void *into, uint64_t address, size_t size) {
  if (size == 0) return true;
  if (address + size < address) return false;
  struct iovec local = {into, size}, remote = {(void *)(uintptr_t)address, size};
  ssize_t count = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  if (count == (ssize_t)size) return true;
  /* Otherwise the system call is forbidden here. */
  if (count >= 0 || errno == EFAULT || !maps_allow(address, address + size, PROT_READ)) return false;
  memcpy(into, (const void *)(uintptr_t)address, size);
  return true;
}

static void store(uint64_t address, const void *from, size_t size) {
  void *to = (void *)(uintptr_t)address;
  uint64_t value = 0;
  if ((size == 2 || size == 4 || size == 8) && address % size == 0) {
    memcpy(&value, from, size);
    if (size == 2) __atomic_store_n((uint16_t *)to, (uint16_t)value, __ATOMIC_RELEASE);
    else if (size == 4) __atomic_store_n((uint32_t *)to, (uint32_t)value, __ATOMIC_RELEASE);
    else __atomic_store_n((uint64_t *)to, value, __ATOMIC_RELEASE);
  } else {
    memcpy(to, from, size);
  }
}

/* The executable's text and data, which no linker's input can be in. */
static bool is_own(uint64_t address, size_t size) {
  extern const char __ehdr_start, _end;
  return address < (uintptr_t)&_end && address + size > (uintptr_t)&__ehdr_start;
}

static bool store_in_linked_memory(uint64_t address, const void *from, size_t size) {
  if (size == 0 || size > sizeof(uint64_t) || address + size < address) return false;
  tables_lock();
  bool covered = linked_memory_covers(address, address + size, PROT_READ | PROT_WRITE, true);
  if (covered) store(address, from, size);
  tables_unlock();
  return covered;
}

bool memory_write(uint64_t address, const void *from, size_t size) {
  if (store_in_linked_memory(address, from, size)) return true;
  return memory_write_bytes(address, from, size);
}

bool memory_write_bytes(uint64_t address, const void *from, size_t size) {
  if (size == 0) return true;
  if (address + size < address || is_own(address, size)) return false;
  struct iovec local = {(void *)(uintptr_t)from, size}, remote = {(void *)(uintptr_t)address, size};
  ssize_t count = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
  if (count == (ssize_t)size) return true;
  if (count >= 0 || errno == EFAULT || !maps_allow(address, address + size, PROT_READ | PROT_WRITE)) return false;
  store(address, from, size);
  return true;
}

bool address_is_executable(uint64_t address) {
  if (builtin_at(address)) return false;
  if (covers(address, 1, PROT_EXEC)) return true;
  /* The upper half is the kernel's, although a page of it (vsyscall) is listed as executable. */
  return address != 0 && address <= INT64_MAX && maps_allow(address, address + 1, PROT_EXEC);
}

/* These wrappers answer nothing or plain values, so a failure has no form on the wire: an empty result and a sentence. */
static struct wrapper_result fail(const char *wrapper, const char *what, uint64_t address, size_t size) {
  complain("%s: [0x%llx, +%zu) cannot be %s", wrapper, (unsigned long long)address, size, what);
  return result_out_of_band("%s: bad address", wrapper);
}

static struct wrapper_result fail_arguments(const char *wrapper, size_t size) {
  struct reason reason;
  refuse_arguments(&reason, wrapper, size);
  complain("%s", reason.text);
  return result_out_of_band("%s", reason.text);
}

/* Sequence<Tuple<Addr, uN>> → void. All addresses are decoded before the first is written. */
static struct wrapper_result write_scalars(const char *wrapper, const char *arguments, size_t size, size_t width) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  size_t count = sps_read_count(&reader, 8 + width);
  if (reader.failed) return fail_arguments(wrapper, size);
  for (size_t i = 0; i < count; i++, reader.at += width) {
    uint64_t address = sps_read_u64(&reader);
    if (!memory_write(address, reader.at, width)) return fail(wrapper, "written", address, width);
  }
  return result_empty();
}

#define WRITE_SCALARS(name, width)                                            \
  struct wrapper_result name(const char *arguments, size_t size) {            \
    return write_scalars("mem_" #name, arguments, size, width);               \
  }
WRITE_SCALARS(write_uint8s, 1)
WRITE_SCALARS(write_uint16s, 2)
WRITE_SCALARS(write_uint32s, 4)
WRITE_SCALARS(write_uint64s, 8)
WRITE_SCALARS(write_pointers, 8)

struct wrapper_result write_buffers(const char *arguments, size_t size) {
  const char *wrapper = "mem_write_buffers";
  struct sps_reader reader = sps_reader_of(arguments, size);
  size_t count = sps_read_count(&reader, 8 + 8);
  struct sps_reader check = reader;
  for (size_t i = 0; i < count; i++) {
    sps_read_u64(&check);
    sps_read_bytes(&check);
  }
  if (check.failed) return fail_arguments(wrapper, size);
  for (size_t i = 0; i < count; i++) {
    uint64_t address = sps_read_u64(&reader);
    struct span bytes = sps_read_bytes(&reader);
    if (!memory_write(address, bytes.data, bytes.size)) return fail(wrapper, "written", address, bytes.size);
  }
  return result_empty();
}

/* Sequence<Addr> → Sequence<uN> */
static struct wrapper_result read_scalars(const char *wrapper, const char *arguments, size_t size, size_t width) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  size_t count = sps_read_count(&reader, 8);
  if (reader.failed) return fail_arguments(wrapper, size);
  struct sps_writer writer = {0};
  sps_write_u64(&writer, count);
  for (size_t i = 0; i < count; i++) {
    uint64_t address = sps_read_u64(&reader);
    if (memory_read(sps_write_room(&writer, width), address, width)) continue;
    free(writer.data);
    return fail(wrapper, "read", address, width);
  }
  return result_of(&writer);
}

#define READ_SCALARS(name, width)                                             \
  struct wrapper_result name(const char *arguments, size_t size) {            \
    return read_scalars("mem_" #name, arguments, size, width);                \
  }
READ_SCALARS(read_uint8s, 1)
READ_SCALARS(read_uint16s, 2)
READ_SCALARS(read_uint32s, 4)
READ_SCALARS(read_uint64s, 8)
READ_SCALARS(read_pointers, 8)

/* Whether `size` more bytes and their count keep the answer sendable. */
static bool fits(const struct sps_writer *writer, uint64_t size) {
  return size < ANSWER_SIZE_MAX && writer->size + size + sizeof(uint64_t) <= ANSWER_SIZE_MAX;
}

struct wrapper_result read_buffers(const char *arguments, size_t size) {
  const char *wrapper = "mem_read_buffers";
  struct sps_reader reader = sps_reader_of(arguments, size);
  size_t count = sps_read_count(&reader, 16);
  if (reader.failed) return fail_arguments(wrapper, size);
  struct sps_writer writer = {0};
  sps_write_u64(&writer, count);
  for (size_t i = 0; i < count; i++) {
    uint64_t start = sps_read_u64(&reader);
    uint64_t end = sps_read_u64(&reader);
    bool readable = start <= end && fits(&writer, end - start);
    if (readable) {
      sps_write_u64(&writer, end - start);
      readable = memory_read(sps_write_room(&writer, end - start), start, end - start);
    }
    if (readable) continue;
    free(writer.data);
    return fail(wrapper, "read", start, end - start);
  }
  return result_of(&writer);
}

/* Appends the NUL-terminated string without its NUL, page by page, since only its start is known to be readable. */
static bool write_string_at(struct sps_writer *writer, uint64_t address) {
  size_t count_at = writer->size;
  sps_write_u64(writer, 0);
  uint64_t length = 0;
  for (;;) {
    size_t chunk = page_down(address) + page_size() - address;
    if (!fits(writer, chunk)) return false;
    uint8_t *room = sps_write_room(writer, chunk);
    if (!memory_read(room, address, chunk)) return false;
    const uint8_t *end = memchr(room, 0, chunk);
    size_t used = end ? (size_t)(end - room) : chunk;
    length += used;
    writer->size -= chunk - used;
    if (end) break;
    address += chunk;
  }
  memcpy(writer->data + count_at, &length, sizeof length);
  return true;
}

struct wrapper_result read_strings(const char *arguments, size_t size) {
  const char *wrapper = "mem_read_strings";
  struct sps_reader reader = sps_reader_of(arguments, size);
  size_t count = sps_read_count(&reader, 8);
  if (reader.failed) return fail_arguments(wrapper, size);
  struct sps_writer writer = {0};
  sps_write_u64(&writer, count);
  for (size_t i = 0; i < count; i++) {
    uint64_t address = sps_read_u64(&reader);
    if (write_string_at(&writer, address)) continue;
    free(writer.data);
    return fail(wrapper, "read", address, 1);
  }
  return result_of(&writer);
}
