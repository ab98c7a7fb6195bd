// Hidden, protected and internal symbols, and an alias, across objects.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
#include <stdio.h>
__attribute__((visibility("hidden"))) extern int hidden_data;
__attribute__((visibility("hidden"))) int hidden(void);
__attribute__((visibility("protected"))) int protected_function(void) { return 2; }
int other(void);
int aliased(void);
int main(void) {
  printf("%d %d %d %d %d\n", hidden_data, hidden(), protected_function(), other(), aliased());
  return 0;
}
// file: other.c
__attribute__((visibility("hidden"))) int hidden_data = 11;
__attribute__((visibility("hidden"))) int hidden(void) { return hidden_data + 1; }
__attribute__((visibility("protected"))) int protected_function(void);
int other(void) { return protected_function() + hidden(); }
int aliased(void) __attribute__((alias("other")));
