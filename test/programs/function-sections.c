// A section for each function and object; what nothing refers to may go, what is referred to may not.
// compile: {gcc,clang-22} -O{1,2} -ffunction-sections -fdata-sections {-fPIE,-fno-pic}
#include <stdio.h>

int used_data = 5;
int unused_data = 6;
static const char *const table[] = {"a", "b", "c"};
__attribute__((noinline)) int used(int x) { return x + used_data; }
__attribute__((noinline)) int unused(int x) { return x + unused_data; }
__attribute__((noinline, cold)) int rarely(int x) { return x - used_data; }

int main(int argc, char **argv) {
  (void)argv;
  printf("%d %d %s\n", used(argc), argc > 5 ? rarely(argc) : 0, table[argc % 3]);
  return 0;
}
