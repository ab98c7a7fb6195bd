/* Simple Packed Serialization, the encoding of every argument list and result on the wire: little-endian integers
   without padding; a sequence is a u64 count and its elements. EPC-PROTOCOL section 3. */
#ifndef SLABLINK_SPS_H
#define SLABLINK_SPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns. */
struct span {
  const uint8_t *data;
  size_t size;
};

/* Reads never leave [at, end): after the first one that would, `failed` is set and every read gives 0. */
struct sps_reader {
  const uint8_t *at;
  const uint8_t *end;
  bool failed;
};

struct sps_reader sps_reader_of(const void *data, size_t size);
bool sps_read_bool(struct sps_reader *reader);
uint8_t sps_read_u8(struct sps_reader *reader);
uint16_t sps_read_u16(struct sps_reader *reader);
uint32_t sps_read_u32(struct sps_reader *reader);
uint64_t sps_read_u64(struct sps_reader *reader);

/* Sequence<char>: a window on the reader's bytes. */
struct span sps_read_bytes(struct sps_reader *reader);

/* The count of a sequence whose elements take at least `element_size` (> 0) bytes each. A count that the bytes present
   cannot hold fails at once, so that callers may allocate by it. */
size_t sps_read_count(struct sps_reader *reader, size_t element_size);

/* A growing buffer; running out of memory ends the process. */
struct sps_writer {
  uint8_t *data;
  size_t size;
  size_t capacity;
};

void sps_write_bool(struct sps_writer *writer, bool value);
void sps_write_u8(struct sps_writer *writer, uint8_t value);
void sps_write_u16(struct sps_writer *writer, uint16_t value);
void sps_write_u32(struct sps_writer *writer, uint32_t value);
void sps_write_u64(struct sps_writer *writer, uint64_t value);
void sps_write_raw(struct sps_writer *writer, const void *data, size_t size);

/* Sequence<char> */
void sps_write_bytes(struct sps_writer *writer, const void *data, size_t size);
void sps_write_string(struct sps_writer *writer, const char *text);

/* Room for `size` more bytes, which the caller fills. */
uint8_t *sps_write_room(struct sps_writer *writer, size_t size);

#endif
