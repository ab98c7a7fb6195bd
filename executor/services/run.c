/* LLVM's ways to run a function, B run_as_* in EPC-PROTOCOL section 5. */
#include <stdlib.h>
#include <unistd.h>

#include "access.h"
#include "arguments.h"
#include "builtins.h"
#include "session.h"
#include "wrapper.h"

/* These answer plain integers: an error has no form on the wire. */
static struct wrapper_result fail(const char *wrapper, uint64_t function, bool decoded, size_t size) {
  struct reason reason;
  if (!decoded) refuse_arguments(&reason, wrapper, size);
  else refuse(&reason, "%s: no code at 0x%llx", wrapper, (unsigned long long)function);
  complain("%s", reason.text);
  return result_out_of_band("%s", reason.text);
}

static struct wrapper_result answer_i32(int32_t value) {
  struct sps_writer writer = {0};
  session_leave_forked_child(value);
  sps_write_u32(&writer, (uint32_t)value);
  return result_of(&writer);
}

/* (Addr fn, Sequence<String> argv) → i64 */
struct wrapper_result run_as_main(const char *arguments, size_t size) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t function = sps_read_u64(&reader);
  struct argument_vector vector;
  bool decoded = arguments_read(&reader, &vector);
  if (!decoded || !address_is_executable(function)) {
    arguments_free(&vector);
    return fail("run as main", function, decoded, size);
  }
  environ = vector.environment;
  int status = ((int (*)(int, char **, char **))(uintptr_t)function)(vector.count, vector.strings, environ);
  session_leave_forked_child(status);
  struct sps_writer writer = {0};
  sps_write_u64(&writer, (uint64_t)(int64_t)status);
  return result_of(&writer);
}

/* (Addr fn) → i32 */
struct wrapper_result run_as_void_function(const char *arguments, size_t size) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t function = sps_read_u64(&reader);
  if (reader.failed || !address_is_executable(function)) return fail("run as void function", function, !reader.failed, size);
  return answer_i32(((int32_t(*)(void))(uintptr_t)function)());
}

/* (Addr fn, i32) → i32 */
struct wrapper_result run_as_int_function(const char *arguments, size_t size) {
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t function = sps_read_u64(&reader);
  int32_t argument = (int32_t)sps_read_u32(&reader);
  if (reader.failed || !address_is_executable(function)) return fail("run as int function", function, !reader.failed, size);
  return answer_i32(((int32_t(*)(int32_t))(uintptr_t)function)(argument));
}
