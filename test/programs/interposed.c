// A function of the program's own that bears the name of one of the library's.
// compile: {gcc,clang-22} -O1 -fno-builtin {-fPIE,-fno-pic}
#include <stddef.h>
#include <stdio.h>

static char arena[1 << 20];
static size_t used;
static int calls;

void *my_malloc(size_t size) {
  calls++;
  void *block = arena + used;
  used += (size + 15) & ~(size_t)15;
  return block;
}
int isalpha(int c) { return c == '!'; }

int main(void) {
  char *text = my_malloc(10);
  snprintf(text, 10, "%d%d", isalpha('!'), isalpha('a'));
  printf("%s %d\n", text, calls);
  return 0;
}
