// An archive whose index has 64-bit offsets (/SYM64/).
// compile: gcc -O1
// before: env SYM64_THRESHOLD=0 llvm-ar-22 rcs lib64.a part.o other.o
// before: grep -q SYM64 lib64.a
// before: ar rcs libgnu.a part.o other.o
// inputs:
// reference: archive-index64.o libgnu.a
// slablink: archive-index64.o lib64.a
// needs: ar llvm-ar-22
#include <stdio.h>
int part(void);
int main(void) {
  printf("%d\n", part());
  return 0;
}
// file: part.c
int other(void);
int part(void) { return other() + 1; }
// file: other.c
int other(void) { return 63; }
