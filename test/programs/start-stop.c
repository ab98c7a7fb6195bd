// __start_NAME and __stop_NAME around sections whose name is a C identifier, filled by several objects; none at all when weak.
// compile: {gcc,clang-22} -O2 {-fPIE,-fPIC,-fno-pic}
#include <stdio.h>

struct entry {
  const char *name;
  int (*function)(int);
};
static int add(int x) { return x + 1; }
__attribute__((section("commands"), used)) static struct entry entry_add = {"add", add};
extern struct entry __start_commands[], __stop_commands[];
extern int __start_nothing[] __attribute__((weak)), __stop_nothing[] __attribute__((weak));

int main(void) {
  int total = 0;
  for (struct entry *each = __start_commands; each < __stop_commands; each++) {
    printf("%s ", each->name);
    total += each->function(10);
  }
  printf("%d %d %d\n", (int)(__stop_commands - __start_commands), total, __start_nothing == __stop_nothing);
  return 0;
}
// file: other.c
struct entry {
  const char *name;
  int (*function)(int);
};
static int doubled(int x) { return 2 * x; }
static int negated(int x) { return -x; }
__attribute__((section("commands"), used)) static struct entry entries[] = {{"double", doubled}, {"negate", negated}};
