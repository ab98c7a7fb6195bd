// Weak symbols: undefined ones are zero, in code and in data; a strong definition replaces a weak one.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
// compile: gcc -O2 -mcmodel=large
#include <stdio.h>

extern int absent(void) __attribute__((weak));
extern int absent_data __attribute__((weak));
int (*in_data)(void) = absent;
int *data_in_data = &absent_data;
__attribute__((weak)) int chosen(void) { return 1; }
__attribute__((weak)) int kept(void) { return 2; }
__attribute__((weak)) int weak_data = 3;
extern int puts(const char *) __attribute__((weak));

int main(void) {
  printf("%d %d %d %d\n", absent == 0, &absent_data == 0, in_data == 0, data_in_data == 0);
  printf("%d %d %d %d\n", chosen(), kept(), weak_data, puts != 0);
  if (absent) return absent();
  return 0;
}
// file: strong.c
int chosen(void) { return 10; }
int weak_data = 30;
