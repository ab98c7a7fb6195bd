#include <stdio.h>

int link_0000(int length);

int main(void) {
  printf("%d\n", link_0000(0));
  return 0;
}
