// An archive that was made without an index.
// compile: gcc -O1
// before: ar rcS libplain.a part.o unused.o
// before: ar rcs libindexed.a part.o unused.o
// inputs:
// reference: archive-no-index.o libindexed.a
// slablink: archive-no-index.o libplain.a
// needs: ar
#include <stdio.h>
int part(void);
int main(void) {
  printf("%d\n", part());
  return 0;
}
// file: part.c
int part(void) { return 32; }
// file: unused.c
int undefined_and_never_needed(void);
int unused(void) { return undefined_and_never_needed(); }
