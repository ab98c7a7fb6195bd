// A function of the program called from the C library, in a loop and through a comparison.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int calls;

static int by_value(const void *a, const void *b) {
  calls++;
  int x = *(const int *)a, y = *(const int *)b;
  return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(void) {
  int numbers[200];
  unsigned seed = 12345;
  for (int i = 0; i < 200; i++) numbers[i] = (int)((seed = seed * 1103515245 + 12345) >> 16) % 1000;
  qsort(numbers, 200, sizeof *numbers, by_value);
  for (int i = 1; i < 200; i++)
    if (numbers[i - 1] > numbers[i]) return 1;
  const char *names[] = {"pear", "apple", "fig", "quince", "cherry"};
  qsort(names, 5, sizeof *names, by_name);
  for (int i = 0; i < 5; i++) printf("%s ", names[i]);
  int key = numbers[77];
  int *found = bsearch(&key, numbers, 200, sizeof *numbers, by_value);
  printf("\n%d %d %d\n", numbers[0], numbers[199], found && *found == key && calls > 200);
  return 0;
}
