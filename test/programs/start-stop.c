// __start_NAME and __stop_NAME around sections whose name is a C identifier, filled by several objects; none at all when weak.
// compile: {gcc,clang-22} -O2 {-fPIE,-fPIC,-fno-pic}
#include <stdio.h>

typedef int operation(int);
static int add(int x) { return x + 1; }
__attribute__((section("commands"), used)) static operation *const entry_add = add;
extern operation *const __start_commands[], *const __stop_commands[];
extern int __start_nothing[] __attribute__((weak)), __stop_nothing[] __attribute__((weak));

int main(void) {
  int total = 0;
  for (operation *const *each = __start_commands; each < __stop_commands; each++) total += (*each)(10);
  printf("%d %d %d\n", (int)(__stop_commands - __start_commands), total, __start_nothing == __stop_nothing);
  return 0;
}
// file: other.c
typedef int operation(int);
static int doubled(int x) { return 2 * x; }
static int negated(int x) { return -x; }
__attribute__((section("commands"), used)) static operation *const entry_double = doubled;
__attribute__((section("commands"), used)) static operation *const entry_negate = negated;
