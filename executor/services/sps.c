#include "sps.h"

#include <string.h>

#include "failure.h"

struct sps_reader sps_reader_of(const void *data, size_t size) {
  const uint8_t *start = data;
  return (struct sps_reader){start, start + size, false};
}

static const uint8_t *take(struct sps_reader *reader, size_t size) {
  if (reader->failed || (size_t)(reader->end - reader->at) < size) {
    reader->failed = true;
    return NULL;
  }
  const uint8_t *at = reader->at;
  reader->at += size;
  return at;
}

/* All supported machines are little-endian, as the wire is. */
static void take_integer(struct sps_reader *reader, void *value, size_t size) {
  const uint8_t *at = take(reader, size);
  if (at) memcpy(value, at, size);
}

uint8_t sps_read_u8(struct sps_reader *reader) {
  uint8_t value = 0;
  take_integer(reader, &value, sizeof value);
  return value;
}

bool sps_read_bool(struct sps_reader *reader) {
  uint8_t value = sps_read_u8(reader);
  if (value > 1) reader->failed = true;
  return value == 1;
}

uint16_t sps_read_u16(struct sps_reader *reader) {
  uint16_t value = 0;
  take_integer(reader, &value, sizeof value);
  return value;
}

uint32_t sps_read_u32(struct sps_reader *reader) {
  uint32_t value = 0;
  take_integer(reader, &value, sizeof value);
  return value;
}

uint64_t sps_read_u64(struct sps_reader *reader) {
  uint64_t value = 0;
  take_integer(reader, &value, sizeof value);
  return value;
}

size_t sps_read_count(struct sps_reader *reader, size_t element_size) {
  uint64_t count = sps_read_u64(reader);
  if (reader->failed || count > (size_t)(reader->end - reader->at) / element_size) {
    reader->failed = true;
    return 0;
  }
  return count;
}

struct span sps_read_bytes(struct sps_reader *reader) {
  size_t size = sps_read_count(reader, 1);
  const uint8_t *data = take(reader, size);
  return data ? (struct span){data, size} : (struct span){NULL, 0};
}

uint8_t *sps_write_room(struct sps_writer *writer, size_t size) {
  if (size > writer->capacity - writer->size) {
    size_t capacity = writer->capacity ? 2 * writer->capacity : 64;
    if (capacity < writer->size + size) capacity = writer->size + size;
    writer->data = allocate_again(writer->data, capacity);
    writer->capacity = capacity;
  }
  uint8_t *room = writer->data + writer->size;
  writer->size += size;
  return room;
}

void sps_write_raw(struct sps_writer *writer, const void *data, size_t size) {
  if (size) memcpy(sps_write_room(writer, size), data, size);
}

void sps_write_u8(struct sps_writer *writer, uint8_t value) { sps_write_raw(writer, &value, sizeof value); }
void sps_write_bool(struct sps_writer *writer, bool value) { sps_write_u8(writer, value ? 1 : 0); }
void sps_write_u16(struct sps_writer *writer, uint16_t value) { sps_write_raw(writer, &value, sizeof value); }
void sps_write_u32(struct sps_writer *writer, uint32_t value) { sps_write_raw(writer, &value, sizeof value); }
void sps_write_u64(struct sps_writer *writer, uint64_t value) { sps_write_raw(writer, &value, sizeof value); }

void sps_write_bytes(struct sps_writer *writer, const void *data, size_t size) {
  sps_write_u64(writer, size);
  sps_write_raw(writer, data, size);
}

void sps_write_string(struct sps_writer *writer, const char *text) { sps_write_bytes(writer, text, strlen(text)); }
