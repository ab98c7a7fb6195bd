// Large zero-filled arrays: nearly 2 GiB that non-PIC code reaches by 32-bit addresses, 3 GiB in the medium and large code models;
// initialized data of the medium model beside them.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic} -DMEGABYTES=512
// compile: {gcc,clang-22} -O1 -fno-pic -DMEGABYTES=1300
// compile: {gcc,clang-22} -O1 -mcmodel={medium,large} {-fPIC,-fno-pic} -DMEGABYTES=3072
#include <stdio.h>
#include <string.h>

#define SIZE ((unsigned long)MEGABYTES << 20)
static char first[SIZE];
char second[SIZE / 4];
int initialized = 3;
char table[200000] = "in .ldata";
const char constants[100000] = "in .lrodata";
static int zero;
static char *pointers[] = {first + SIZE - 1, second + SIZE / 4 - 1, table + 199999};

int main(void) {
  volatile char *bytes = first;
  for (unsigned long i = 0; i < SIZE; i += SIZE / 64) bytes[i] += 1;
  first[SIZE - 1] = 2;
  second[SIZE / 4 - 1] = 5;
  table[199999] = 9;
  long sum = 0;
  for (unsigned long i = 0; i < SIZE; i += SIZE / 64) sum += bytes[i];
  printf("%ld %d %d %d\n", sum, *pointers[0], *pointers[1], *pointers[2]);
  printf("%s %s %d %d %lu\n", table, constants, initialized, zero, (unsigned long)strlen(constants));
  return first[SIZE / 2 + 5];
}
