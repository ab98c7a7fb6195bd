// The stack protector sees a smashed stack, with its guard in the thread's block or in a variable.
// compile: {gcc,clang-22} -O1 {-fPIC,-fPIE} -fstack-protector-all -U_FORTIFY_SOURCE
// compile: gcc -O1 -fstack-protector-all -mstack-protector-guard=global -DGG
// status: 134
#include <stdio.h>
#include <string.h>
#ifdef GG
unsigned long __stack_chk_guard = 0x1234567;
#endif
__attribute__((noinline)) void f(char *p, int n) { memset(p, 'a', n); }
__attribute__((noinline)) int g(int n) { char b[16]; f(b, n); return b[3]; }
int main(int argc, char **argv) { printf("%d\n", g(10)); fflush(stdout); printf("%d\n", g(10 + argc * 60)); }
