// A round trip through zstd's archive, whose hot loops are assembly: levels, a dictionary, streaming, threads.
// compile: {gcc,clang-22} -O2 {-fPIE,-fno-pic}
// inputs: zstd.o lib:libzstd.a -lpthread
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

int main(void) {
  enum { size = 400000 };
  char *text = malloc(size), *packed = malloc(ZSTD_compressBound(size)), *back = malloc(size);
  unsigned seed = 7;
  for (int i = 0; i < size; i++) text[i] = (char)(i % 100 < 60 ? "the same words again and again "[i % 31] : (seed = seed * 1103515245 + 12345) >> 26);
  for (int level = -5; level <= 19; level += 6) {
    size_t packed_size = ZSTD_compress(packed, ZSTD_compressBound(size), text, size, level);
    size_t back_size = ZSTD_decompress(back, size, packed, packed_size);
    printf("%d: %zu %d\n", level, packed_size, back_size == size && memcmp(text, back, size) == 0);
  }
  ZSTD_CCtx *context = ZSTD_createCCtx();
  size_t threads = ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, 2);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  size_t packed_size = ZSTD_compress2(context, packed, ZSTD_compressBound(size), text, size);
  ZSTD_freeCCtx(context);
  ZSTD_DStream *stream = ZSTD_createDStream();
  ZSTD_inBuffer in = {packed, packed_size, 0};
  size_t total = 0;
  while (in.pos < in.size) {
    ZSTD_outBuffer out = {back + total, size - total < 1000 ? size - total : 1000, 0};
    size_t code = ZSTD_decompressStream(stream, &out, &in);
    if (ZSTD_isError(code)) return 1;
    total += out.pos;
    if (code == 0) break;
  }
  ZSTD_freeDStream(stream);
  printf("%d %d %d\n", ZSTD_isError(threads) != 0, total == size, memcmp(text, back, size));
  packed[packed_size / 2] ^= 4;
  printf("%s\n", ZSTD_getErrorName(ZSTD_decompress(back, size, packed, packed_size)));
  return 0;
}
