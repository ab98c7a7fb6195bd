// CREL sections (clang's --crel): code, data, tables, thread-locals, unwind tables, offsets that grow by more than they shrink.
// compile: clang-22 -O{0,2} {-fPIE,-fno-pic,-fPIC} -Wa,--crel,--allow-experimental-crel
// reference: -fuse-ld=lld-22
// needs: ld.lld-22
#include <stdio.h>
#include <stdlib.h>

struct node {
  const struct node *next;
  const char *name;
  int (*function)(int);
  const void *tagged;
};
static int twice(int x) { return 2 * x; }
static int thrice(int x) { return 3 * x; }
extern const struct node last;
static const struct node first = {&last, "first", twice, (const char *)&last + 0x10};
const struct node last = {&first, "last", thrice, (const char *)&first + 8};
_Thread_local int counter = 4;
static _Thread_local long zeroed[3];
unsigned long wide = (unsigned long)&last + 0x8000000000000000;

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

int main(void) {
  const struct node *node = &first;
  for (int i = 0; i < 3; i++, node = node->next) printf("%s %d\n", node->name, node->function(counter++));
  printf("%s\n", *(const char *const *)last.tagged);
  int values[] = {3, 1, 2};
  qsort(values, 3, sizeof *values, compare);
  zeroed[1] += values[2];
  printf("%d %d %ld %d\n", values[0], counter, zeroed[1], wide - 0x8000000000000000 == (unsigned long)&last);
  switch (values[0]) {
    case 1: puts("one"); break;
    case 2: puts("two"); break;
    case 3: puts("three"); break;
    case 4: puts("four"); break;
    case 5: fputs("five", stderr); break;
  }
  return 0;
}
