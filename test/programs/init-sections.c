// Code in .init and .fini between crti.o's and crtn.o's parts, and the older .ctors and .dtors pointer lists.
// compile: gcc -O1 {-fPIE,-fno-pic}
#include <stdio.h>

static void constructed(void) { puts("from .init_array by hand"); }
static void destroyed(void) { puts("from .fini_array by hand"); }
__attribute__((section(".init_array"), used)) static void (*const initial)(void) = constructed;
__attribute__((section(".fini_array"), used)) static void (*const final)(void) = destroyed;

int main(void) {
  puts("main");
  return 0;
}
