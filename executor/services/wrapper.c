#include "wrapper.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *result_bytes(const struct wrapper_result *result) {
  return result->size > sizeof result->data.value ? result->data.pointer : result->data.value;
}

const char *result_out_of_band_text(const struct wrapper_result *result) {
  return result->size == 0 ? result->data.pointer : NULL;
}

void result_free(struct wrapper_result *result) {
  if (result->size == 0 || result->size > sizeof result->data.value) free(result->data.pointer);
  *result = result_empty();
}

struct wrapper_result result_empty(void) {
  return (struct wrapper_result){.data.pointer = NULL, .size = 0};
}

struct wrapper_result result_of(struct sps_writer *writer) {
  struct wrapper_result result = result_empty();
  result.size = writer->size;
  if (writer->size > sizeof result.data.value) {
    result.data.pointer = (char *)writer->data;
  } else {
    if (writer->size) memcpy(result.data.value, writer->data, writer->size);
    free(writer->data);
  }
  *writer = (struct sps_writer){0};
  return result;
}

struct wrapper_result result_out_of_band(const char *format, ...) {
  char text[REASON_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  char *copy = allocate(strlen(text) + 1);
  strcpy(copy, text);
  return (struct wrapper_result){.data.pointer = copy, .size = 0};
}

struct wrapper_result result_success(void) {
  struct sps_writer writer = {0};
  sps_write_bool(&writer, false);
  return result_of(&writer);
}

static struct wrapper_result tagged_message(bool tag, const struct reason *reason) {
  struct sps_writer writer = {0};
  sps_write_bool(&writer, tag);
  sps_write_string(&writer, reason->text);
  return result_of(&writer);
}

/* Error says "has an error" and Expected says "has a value": opposite polarity. */
struct wrapper_result result_error(const struct reason *reason) { return tagged_message(true, reason); }
struct wrapper_result result_expected_error(const struct reason *reason) { return tagged_message(false, reason); }

struct sps_writer expected_value(void) {
  struct sps_writer writer = {0};
  sps_write_bool(&writer, true);
  return writer;
}

struct wrapper_result result_expected_address(uint64_t address) {
  struct sps_writer writer = expected_value();
  sps_write_u64(&writer, address);
  return result_of(&writer);
}

bool refuse_arguments(struct reason *reason, const char *wrapper, size_t size) {
  return refuse(reason, "%s: its arguments cannot be decoded from %zu bytes", wrapper, size);
}

bool check_instance(uint64_t instance, const void *service, const char *wrapper, struct reason *reason) {
  if (instance == 0 || instance == (uintptr_t)service) return true;
  return refuse(reason, "%s: instance 0x%llx, expected 0x%llx", wrapper, (unsigned long long)instance,
                (unsigned long long)(uintptr_t)service);
}
