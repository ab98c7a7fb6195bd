#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "services/failure.h"

/* A queue that has been emptied keeps no more than this. */
enum { KEPT = 1 << 20 };

size_t queue_size(const struct queue *queue) { return queue->end - queue->start; }

const uint8_t *queue_first(const struct queue *queue) { return queue->data + queue->start; }

void queue_append(struct queue *queue, const void *data, size_t size) {
  size_t used = queue_size(queue);
  if (size > queue->capacity - queue->end) {
    if (used + size > queue->capacity / 2) {
      queue->capacity = 2 * (used + size);
      uint8_t *larger = allocate(queue->capacity);
      if (used) memcpy(larger, queue_first(queue), used);
      free(queue->data);
      queue->data = larger;
    } else if (used) {
      memmove(queue->data, queue_first(queue), used);
    }
    queue->start = 0;
    queue->end = used;
  }
  if (size) memcpy(queue->data + queue->end, data, size);
  queue->end += size;
}

void queue_drop(struct queue *queue, size_t size) {
  queue->start += size;
  if (queue->start < queue->end) return;
  queue->start = queue->end = 0;
  if (queue->capacity <= KEPT) return;
  free(queue->data);
  *queue = (struct queue){0};
}
