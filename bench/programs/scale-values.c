// Every entry of the table leads to an int with the entry's number: a symbol that was linked to a wrong place is found.
#include <stdio.h>

extern const int *const table[];
extern const unsigned long table_size;

int main(void) {
  for (unsigned long i = 0; i < table_size; i++) {
    if (*table[i] == (int)i) continue;
    printf("entry %lu is %d\n", i, *table[i]);
    return 1;
  }
  puts("ok");
  return 0;
}
