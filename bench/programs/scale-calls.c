// Every entry of the table is a function that returns the entry's number.
#include <stdio.h>

extern int (*const table[])(void);
extern const unsigned long table_size;

int main(void) {
  for (unsigned long i = 0; i < table_size; i++) {
    int value = table[i]();
    if (value == (int)i) continue;
    printf("entry %lu gave %d\n", i, value);
    return 1;
  }
  puts("ok");
  return 0;
}
