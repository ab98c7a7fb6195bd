// Data of the C library, read and written by the program: both sides have to see the same variable.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
// args: -a -b value rest
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

FILE **where = &stdout;
int *index_of_option = &optind;

int main(int argc, char **argv) {
  optind = 1;
  opterr = 0;
  int option;
  while ((option = getopt(argc, argv, "ab:")) != -1) printf("-%c %s\n", option, option == 'b' ? optarg : "");
  printf("%d %s\n", optind, argv[*index_of_option]);
  fprintf(*where, "%d\n", *where == stdout);
  setenv("TZ", "XYZ5", 1);
  tzset();
  printf("%ld %s %d\n", timezone, tzname[0], daylight);
  fputs("error output\n", stderr);
  return 0;
}
