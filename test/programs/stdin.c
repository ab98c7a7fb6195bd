// Standard input belongs to the program, by descriptor and by stream.
// compile: gcc -O1 {-fPIE,-fno-pic}
// stdin: first line\nsecond line\n42 43
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  char byte[6];
  if (read(0, byte, 5) != 5) return 1;
  byte[5] = 0;
  char line[100];
  if (!fgets(line, sizeof line, stdin)) return 2;
  line[strcspn(line, "\n")] = 0;
  printf("<%s><%s>", byte, line);
  int a, b;
  if (!fgets(line, sizeof line, stdin) || scanf("%d%d", &a, &b) != 2) return 3;
  printf("%d %d\n", a + b, getchar() == EOF);
  return 0;
}
