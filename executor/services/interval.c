#include "interval.h"

#include <string.h>

#include "failure.h"

/* Index of the first interval that ends after `address`. */
static size_t first_ending_after(const struct interval_table *table, uint64_t address) {
  size_t low = 0, high = table->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (table->items[middle].end > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

struct interval *interval_find(const struct interval_table *table, uint64_t start, uint64_t end) {
  size_t index = first_ending_after(table, start);
  if (index == table->count || table->items[index].start >= end) return NULL;
  return &table->items[index];
}

void interval_insert(struct interval_table *table, struct interval interval) {
  if (table->count == table->capacity) {
    table->capacity = table->capacity ? 2 * table->capacity : 64;
    table->items = allocate_again(table->items, table->capacity * sizeof *table->items);
  }
  size_t index = first_ending_after(table, interval.start);
  memmove(&table->items[index + 1], &table->items[index], (table->count - index) * sizeof *table->items);
  table->items[index] = interval;
  table->count++;
}

void interval_remove(struct interval_table *table, uint64_t start) {
  size_t index = first_ending_after(table, start);
  if (index == table->count || table->items[index].start != start) return;
  table->count--;
  memmove(&table->items[index], &table->items[index + 1], (table->count - index) * sizeof *table->items);
}
