// Two archives that need each other, named once each.
// compile: gcc -O1
// before: ar rcs liba.a a1.o a2.o
// before: ar rcs libb.a b1.o b2.o
// inputs: archives-mutual.o -Wl,--start-group liba.a libb.a -Wl,--end-group
// needs: ar
#include <stdio.h>
int a1(int);
int main(void) {
  printf("%d\n", a1(4));
  return 0;
}
// file: a1.c
int b1(int);
int a1(int x) { return b1(x) + 1; }
// file: a2.c
int b2(int);
int a2(int x) { return x ? b2(x - 1) * 2 : 1; }
// file: b1.c
int a2(int);
int b1(int x) { return a2(x) + 10; }
// file: b2.c
int a2(int);
int b2(int x) { return a2(x) + 100; }
