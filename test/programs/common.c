// Common symbols: merged by name to the largest size and alignment; a definition replaces them.
// compile: {gcc,clang-22} -O1 -fcommon {-fPIE,-fno-pic}
#include <stdint.h>
#include <stdio.h>

int shared_count;
char buffer[10];
int defined_elsewhere;
long other_buffer_size(void);
void touch(void);

int main(void) {
  touch();
  printf("%d %ld %d %s %d\n", shared_count, other_buffer_size(), defined_elsewhere, buffer, (int)((uintptr_t)buffer % 64));
  return 0;
}
// file: other.c
#include <string.h>
int shared_count;
char buffer[100] __attribute__((aligned(64)));
int defined_elsewhere = 9;
long other_buffer_size(void) { return sizeof buffer; }
void touch(void) {
  shared_count += 4;
  strcpy(buffer + 50, "tail");
  strcpy(buffer, "head");
}
