/* Wrapper functions: bytes in, bytes out. EPC-PROTOCOL section 4. The same ABI holds for alloc actions and for
   whatever linked code exposes. */
#ifndef SLABLINK_WRAPPER_H
#define SLABLINK_WRAPPER_H

#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "sps.h"

/* Returned in two registers. size <= 8: the bytes are in `value`; larger: `pointer` is a malloc'ed block that the
   receiver frees. size 0 with a pointer: an out-of-band error, a malloc'ed C string. */
struct wrapper_result {
  union {
    char *pointer;
    char value[sizeof(char *)];
  } data;
  size_t size;
};

typedef struct wrapper_result wrapper_function(const char *arguments, size_t size);

const char *result_bytes(const struct wrapper_result *result);
/* The text of an out-of-band error, or NULL. */
const char *result_out_of_band_text(const struct wrapper_result *result);
void result_free(struct wrapper_result *result);

/* Takes the writer's buffer. */
struct wrapper_result result_of(struct sps_writer *writer);
struct wrapper_result result_empty(void);
struct wrapper_result result_out_of_band(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Error */
struct wrapper_result result_success(void);
struct wrapper_result result_error(const struct reason *reason);
/* Expected<T>: the error, or the `true` in front of a value. */
struct wrapper_result result_expected_error(const struct reason *reason);
struct sps_writer expected_value(void);
struct wrapper_result result_expected_address(uint64_t address);

/* The reason for arguments that cannot be decoded. */
bool refuse_arguments(struct reason *reason, const char *wrapper, size_t size);

/* False unless `instance` is 0 or the address announced for the service. */
bool check_instance(uint64_t instance, const void *service, const char *wrapper, struct reason *reason);

#endif
