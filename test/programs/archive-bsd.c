// An archive in the format of the BSDs: names and index differ.
// compile: gcc -O1
// before: llvm-ar-22 --format=bsd rcs libbsd.a part.o a_member_whose_name_is_longer_than_sixteen.o
// before: ar rcs libgnu.a part.o a_member_whose_name_is_longer_than_sixteen.o
// inputs:
// reference: archive-bsd.o libgnu.a
// slablink: archive-bsd.o libbsd.a
// needs: ar llvm-ar-22
#include <stdio.h>
int part(void);
int main(void) {
  printf("%d\n", part());
  return 0;
}
// file: part.c
int longer(void);
int part(void) { return longer() + 1; }
// file: a_member_whose_name_is_longer_than_sixteen.c
int longer(void) { return 40; }
