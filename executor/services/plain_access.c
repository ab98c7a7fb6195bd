/* Any memory of the process, by its address: as mem_read_buffers and mem_write_buffers of LLVM's, whose answers have no form for a failure. */
#include <stdlib.h>

#include "access.h"
#include "builtins.h"
#include "frame.h"
#include "maps.h"
#include "wrapper.h"

#define READ "memory read"
#define WRITE "memory write"

typedef unsigned long long ull;

static bool refuse_range(struct reason *reason, const char *wrapper, uint64_t address, uint64_t size, const char *what) {
  struct reason there;
  bool mapped = maps_describe(address, address + 1, &there);
  return refuse(reason, "%s: %llu bytes at 0x%llx are not %s; %s%.200s is there", wrapper, (ull)size, (ull)address, what,
                mapped ? "of " : "nothing", mapped ? there.text : "");
}

/* (Addr, u64 size) → Expected<Sequence<char>> */
struct wrapper_result plain_read(const char *arguments, size_t argument_size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, argument_size);
  uint64_t address = sps_read_u64(&reader), size = sps_read_u64(&reader);
  if (reader.failed) {
    refuse_arguments(&reason, READ, argument_size);
    return result_expected_error(&reason);
  }
  if (size > ANSWER_SIZE_MAX - 64) {
    refuse(&reason, READ ": %llu bytes, expected at most %llu", (ull)size, (ull)(ANSWER_SIZE_MAX - 64));
    return result_expected_error(&reason);
  }
  struct sps_writer writer = expected_value();
  sps_write_u64(&writer, size);
  if (memory_read(sps_write_room(&writer, size), address, size)) return result_of(&writer);
  free(writer.data);
  refuse_range(&reason, READ, address, size, "readable");
  return result_expected_error(&reason);
}

/* (Addr, Sequence<char>) → Error */
struct wrapper_result plain_write(const char *arguments, size_t argument_size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, argument_size);
  uint64_t address = sps_read_u64(&reader);
  struct span bytes = sps_read_bytes(&reader);
  bool written = reader.failed ? refuse_arguments(&reason, WRITE, argument_size)
                               : memory_write(address, bytes.data, bytes.size) ||
                                     refuse_range(&reason, WRITE, address, bytes.size, "writable");
  return written ? result_success() : result_error(&reason);
}
