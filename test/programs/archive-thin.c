// A thin archive: its members are files beside it.
// compile: gcc -O1
// before: mkdir parts
// before: mv part.o parts/a-rather-long-member-name.o
// before: ar rcsT libthin.a parts/a-rather-long-member-name.o
// inputs: archive-thin.o -L. -Wl,-Bstatic -lthin -Wl,-Bdynamic
// needs: ar
#include <stdio.h>
int part(void);
int main(void) {
  printf("%d\n", part());
  return 0;
}
// file: part.c
int part(void) { return 31; }
