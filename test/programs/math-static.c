// The math library as an archive: libm.a is a linker script too, and its functions choose their code by IFUNC.
// compile: gcc -O2 {-fPIE,-fno-pic}
// link: -Wl,-Bstatic -lm -Wl,-Bdynamic
#include <math.h>
#include <stdio.h>

int main(int argc, char **argv) {
  (void)argv;
  double x = argc;
  printf("%.15g %.15g %.15g\n", sin(x), pow(x + 1, 0.5), exp(x));
  return 0;
}
