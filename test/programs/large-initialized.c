// Initialized large data of the medium model (.ldata, .lrodata, .lbss), with pointers inside.
// compile: {gcc,clang-22} -O1 -mcmodel=medium -fno-pic
#include <stdio.h>

char text[100000] = "large initialized";
const char fixed[100000] = "large constant";
char zero[200000];
char *inside[20000] = {text, text + 6, zero, [19999] = zero + 199999};

int main(void) {
  zero[199999] = 'z';
  printf("%s, %s, %s, %c %d\n", inside[0], inside[1], fixed, *inside[19999], inside[2] == zero);
  return 0;
}
