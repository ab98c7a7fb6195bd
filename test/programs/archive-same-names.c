// Members of the same name in one archive are different objects.
// compile: gcc -O1
// before: mkdir x y
// before: mv first.o x/part.o
// before: mv second.o y/part.o
// before: ar qcs libparts.a x/part.o y/part.o
// inputs: archive-same-names.o libparts.a
// needs: ar
#include <stdio.h>
int first(void);
int second(void);
int main(void) {
  printf("%d %d\n", first(), second());
  return 0;
}
// file: first.c
static int value = 1;
int first(void) { return value; }
// file: second.c
static int value = 2;
int second(void) { return value; }
