// The math library by -lm: here a linker script that names libm.so.6 and libmvec.so.1.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fno-pic}
// link: -lm
#include <math.h>
#include <stdio.h>

int main(void) {
  double sum = 0;
  for (int i = 1; i <= 1000; i++) sum += sin(i) * cos(i) / sqrt(i) + log(i) * exp(-i / 100.0) + pow(i, 0.25);
  printf("%.12g %.12g %.12g\n", sum, tgamma(5.5), fma(2, 3, 4));
  printf("%g %g %d\n", floor(-1.5), fmod(10, 3), (int)lround(2.5));
  int exponent;
  double mantissa = frexp(48, &exponent);
  printf("%g * 2^%d, signgam %d\n", mantissa, exponent, (lgamma(-0.5), signgam));
  return 0;
}
