// Names that the C library's qsort brings into whatever order somebody else knows.

#include <stdlib.h>

static const char *cities[] = {"Zürich", "Ankara", "Örebro", "Zagreb", "Århus", "Oslo", "Łódź", "Lyon", "Ålesund", "Odense"};

enum { CITIES = sizeof cities / sizeof *cities };

typedef int order(const char *left, const char *right);

static order *current;

static int compare(const void *left, const void *right) {
  return current(*(const char *const *)left, *(const char *const *)right);
}

// Sorts all names.
void sort_cities(order *by) {
  current = by;
  qsort(cities, CITIES, sizeof *cities, compare);
}

// The name at an index; NULL behind the last.
const char *city(int index) {
  return index < CITIES ? cities[index] : NULL;
}
