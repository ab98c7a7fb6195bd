// What a shared library leaves undefined is taken from an archive behind it; what both define, from whoever comes first.
// compile: gcc -O1 -fPIC
// before: gcc -shared -fPIC -o liblibrary.so library.o
// before: ar rcs libarchive.a member.o both.o
// inputs: archive-for-library.o ./liblibrary.so libarchive.a
// inputs: archive-for-library.o libarchive.a ./liblibrary.so libarchive.a
// reference: -Wl,-rpath,.
// only: shared rpc
// because: in-process, libraries do not bind to the program
// needs: ar
#include <stdio.h>
int library_function(int);
int both(void);
int main(void) {
  printf("%d %d\n", library_function(4), both());
  return 0;
}
// file: library.c
int member(int);
int library_function(int x) { return member(x) * 10; }
int both(void) { return 1; }
// file: member.c
int member(int x) { return x + 1; }
// file: both.c
int both(void) { return 2; }
