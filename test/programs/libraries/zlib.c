// A round trip through zlib's archive: deflate and inflate at every level, gzip to a file, checksums.
// compile: {gcc,clang-22} -O2 {-fPIE,-fno-pic}
// inputs: zlib.o lib:libz.a
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

int main(void) {
  enum { size = 300000 };
  unsigned char *text = malloc(size), *packed = malloc(compressBound(size)), *back = malloc(size);
  unsigned seed = 1;
  for (int i = 0; i < size; i++) text[i] = (unsigned char)("abcdefgh\n"[(seed = seed * 1103515245 + 12345) >> 29] + i / 50000);
  for (int level = 0; level <= 9; level++) {
    uLongf packed_size = compressBound(size), back_size = size;
    int a = compress2(packed, &packed_size, text, size, level);
    int b = uncompress(back, &back_size, packed, packed_size);
    printf("%d: %d %d %lu %d\n", level, a, b, packed_size, back_size == size && memcmp(text, back, size) == 0);
  }
  printf("%08lx %08lx\n", crc32(0, text, size), adler32(1, text, size));
  char path[] = "/tmp/slablink-zlib-XXXXXX";
  gzFile file = gzdopen(mkstemp(path), "w9");
  gzprintf(file, "%d bytes\n", size);
  gzwrite(file, text, size);
  gzclose(file);
  char line[40];
  file = gzopen(path, "r");
  gzgets(file, line, sizeof line);
  printf("%s%d %d\n", line, gzread(file, back, size), memcmp(text, back, size));
  gzclose(file);
  packed[100] ^= 1;
  uLongf back_size = size;
  printf("%d %s\n", uncompress(back, &back_size, packed, 5000) != Z_OK, zError(Z_DATA_ERROR));
  return unlink(path);
}
