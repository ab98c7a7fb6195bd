// musl's libc.a beside the process's C library: its mathematics and string functions are linked, and what only it has; what keeps
// state (the heap, errno, streams, conversions) stays the process's.
// compile: gcc -O1 -fno-builtin {-fPIE,-fPIC,-fno-pic}
// inputs: static-musl.o -lm
// slablink: /usr/lib/x86_64-linux-musl/libc.a
// reference: copies.o
// needs: /usr/lib/x86_64-linux-musl/libc.a
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
size_t strlcpy(char *, const char *, size_t);
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(void) {
  int numbers[] = {3, 1, 2};
  qsort(numbers, 3, sizeof numbers[0], compare);
  char buffer[16];
  size_t length = strlcpy(buffer, "more than it can hold", sizeof buffer);
  printf("%d%d%d %s %zu\n", numbers[0], numbers[1], numbers[2], buffer, length);
  char words[] = "a,b;c", *rest;
  for (char *word = strtok_r(words, ",;", &rest); word; word = strtok_r(NULL, ",;", &rest)) printf("[%s]", word);
  char *copy = strdup("from the heap");
  printf("%s %s %s %zu\n", copy, strstr("haystack", "st"), strerror(ENOENT), wcslen(L"wide"));
  free(copy);
  errno = 0;
  volatile long parsed = strtol("99999999999999999999999", 0, 10);
  printf("%d %d %.2f\n", errno == ERANGE, parsed > 0, strtod("2.5", 0));
  volatile double x = 0.7;
  printf("%.9f %.9f %.9f %.9f %.9f\n", sin(x), exp(x), pow(x, 3.5), lgamma(x), fma(x, x, x));
  fputs("and the stream is flushed", stdout);
  return 0;
}
// file: copies.c
#include <string.h>
// What the reference's C library lacks.
size_t strlcpy(char *to, const char *from, size_t size) {
  size_t length = strlen(from);
  if (size > 0) {
    size_t part = length < size ? length : size - 1;
    memcpy(to, from, part);
    to[part] = 0;
  }
  return length;
}
