/* Bytes on their way from one descriptor to another. */
#ifndef SLABLINK_QUEUE_H
#define SLABLINK_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct queue {
  uint8_t *data;
  size_t start;
  size_t end;
  size_t capacity;
};

size_t queue_size(const struct queue *queue);
const uint8_t *queue_first(const struct queue *queue);
void queue_append(struct queue *queue, const void *data, size_t size);
void queue_drop(struct queue *queue, size_t size);

#endif
