// Which of several definitions is taken, and in which order members come: as ld searches archives, each in its turn, groups in
// circles, an index from front to back; objects and archives in the order of the command line.
// compile: gcc -O1
// before: ar rcs liba.a a.o
// before: ar rcs libb.a b.o b2.o
// before: ar rcs libthree.a first.o second.o third.o
// before: ar rcs libweak.a weak.o
// inputs: archive-order.o liba.a libb.a libthree.a libweak.a
// inputs: archive-order.o libb.a liba.a libthree.a libweak.a
// inputs: archive-order.o libthree.a -Wl,--start-group liba.a libb.a -Wl,--end-group weak.o strong.o
// inputs: liba.a libthree.a archive-order.o libb.a weak.o libthree.a strong.o
// inputs: -Wl,-( archive-order.o libthree.a liba.a libb.a -Wl,-) libweak.a strong.o
// needs: ar
#include <stdio.h>
int b(void);
int common(void);
extern int third_linked, second_linked;
int chosen(void);
__attribute__((constructor)) static void constructed(void) { puts("main's constructor"); }
int main(void) {
  printf("%d %d %d %d\n", b(), third_linked, second_linked, chosen());
  return 0;
}
// file: a.c
int common(void) { return 1; }
// file: b.c
int common(void);
int b(void) { return common() * 10; }
// file: b2.c
int common(void) { return 2; }
// file: first.c
#include <stdio.h>
int first_linked = 1;
__attribute__((constructor)) static void constructed(void) { puts("first member's constructor"); }
// file: second.c
#include <stdio.h>
int second_linked = 2;
__attribute__((constructor)) static void constructed(void) { puts("second member's constructor"); }
// file: third.c
#include <stdio.h>
extern int first_linked;
int third_linked = 3;
__attribute__((constructor)) static void constructed(void) {
  puts("third member's constructor");
  third_linked += 10 * first_linked;
}
// file: weak.c
__attribute__((weak)) int chosen(void) { return 5; }
// file: strong.c
#include <stdio.h>
int nothing_that_anybody_needs;
__attribute__((constructor)) static void constructed(void) { puts("an object's constructor"); }
