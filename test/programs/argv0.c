// argv[0] as it was asked for, and argc.
// compile: gcc -O1
// argv0: a chosen name
// args: x
#include <stdio.h>
int main(int argc, char **argv) {
  printf("%d <%s> <%s>\n", argc, argv[0], argv[1]);
  return 0;
}
