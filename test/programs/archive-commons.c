// Commons and archives: a member that defines a common symbol is linked for it, one that has it as a common too is not; a member
// with nothing but commons defines what nobody else does.
// compile: gcc -O1 -fcommon {-fPIE,-fno-pic}
// before: ar rcs libcommons.a common.o more.o
// before: ar rcs libdefined.a defined.o
// inputs: archive-commons.o libcommons.a libdefined.a
// inputs: archive-commons.o libdefined.a libcommons.a
// inputs: archive-commons.o libcommons.a
// needs: ar
#include <stdio.h>
int value;
extern int only_common[4];
int main(void) {
  only_common[3] += 4;
  printf("%d %d\n", value, only_common[3]);
  return 0;
}
// file: common.c
int value;
// file: more.c
int only_common[4];
// file: defined.c
#include <stdio.h>
int value = 5;
__attribute__((constructor)) static void constructed(void) { puts("the definition's member"); }
