// Formatted output, files in memory and on disk, scanning: the C library through calls and through its data symbols.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
// compile: gcc -O{1,3,s}
// compile: gcc -O2 -g3 -gz -fstack-protector-all -fcf-protection=full -D_FORTIFY_SOURCE=2
// compile: clang-22 -O0 -g -gdwarf-5
// args: one "two words" ""
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++) printf("argv[%d]=<%s>%s", i, argv[i], i + 1 < argc ? ", " : "\n");
  printf("%d %5.2f %-6s| %#lx %c %%\n", -42, 3.14159, "left", 0xdeadbeefUL, 'x');
  fprintf(stdout, "to stdout by name\n");
  fprintf(stderr, "to stderr by name\n");
  char text[64];
  FILE *memory = fmemopen(text, sizeof text, "w");
  fprintf(memory, "%03d:%s", 7, "memory");
  fclose(memory);
  int number;
  char word[16];
  int found = sscanf(text, "%d:%15s", &number, word);
  printf("%d found: %d %s\n", found, number, word);
  FILE *file = tmpfile();
  fputs("line 1\nline 2\n", file);
  rewind(file);
  while (fgets(text, sizeof text, file)) printf("[%.*s]", (int)strcspn(text, "\n"), text);
  putchar('\n');
  fclose(file);
  return argv[argc] == NULL ? 0 : 1;
}
