// Code in sections .init and .fini, which all objects contribute to and nobody calls by name.
// compile: gcc -O1 {-fPIE,-fno-pic}
#include <stdio.h>
__asm__(".pushsection .init,\"ax\",@progbits\n call from_init\n .popsection");
__asm__(".pushsection .fini,\"ax\",@progbits\n call from_fini\n .popsection");
__attribute__((used)) void from_init(void) { puts(".init of main"); }
__attribute__((used)) void from_fini(void) { puts(".fini of main"); }
static void before(int count) { printf(".preinit_array %d\n", count); }
__attribute__((section(".preinit_array"), used)) static void (*const preinitial)(int) = before;
__attribute__((constructor)) static void constructed(void) { puts("constructor"); }
__attribute__((destructor)) static void destroyed(void) { puts("destructor"); }
int main(void) {
  puts("main");
  return 0;
}
// file: other.c
#include <stdio.h>
__asm__(".pushsection .init,\"ax\",@progbits\n .balign 16\n call other_init\n .popsection");
__asm__(".pushsection .fini,\"ax\",@progbits\n call other_fini\n .popsection");
__attribute__((used)) void other_init(void) { puts(".init of the other"); }
__attribute__((used)) void other_fini(void) { puts(".fini of the other"); }
