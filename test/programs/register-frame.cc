// A program that writes code and registers its frame: __register_frame.
// compile: {gcc,clang-22} -O1 {-fPIC,-fno-pic}
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <cstdlib>
#include <cstdint>
extern "C" void __register_frame(void *); extern "C" void __deregister_frame(void *);
static int thrower(int x) { throw x; }
int main() {
  unsigned char *p = (unsigned char *)mmap(0, 8192, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned char code[] = {0x48,0x83,0xec,0x08, 0x48,0x89,0xf8, 0x89,0xf7, 0xff,0xd0, 0x48,0x83,0xc4,0x08, 0xc3}; memcpy(p, code, sizeof code);
  unsigned char *f = p + 4096; auto w4 = [](unsigned char *q, uint32_t v) { memcpy(q, &v, 4); }; auto w8 = [](unsigned char *q, uint64_t v) { memcpy(q, &v, 8); };
  w4(f, 20); w4(f + 4, 0); f[8] = 1; f[9] = 0; f[10] = 1; f[11] = 0x78; f[12] = 16; f[13] = 0xc; f[14] = 7; f[15] = 16; f[16] = 0x90; f[17] = 1; memset(f + 18, 0, 6);
  w4(f + 24, 20); w4(f + 28, 28); w8(f + 32, (uint64_t)p); w8(f + 40, sizeof code); w4(f + 48, 0);
  __register_frame(f);
  try { ((int (*)(int (*)(int), int))p)(thrower, 3); } catch (int v) { printf("%d\n", v); }
  __deregister_frame(f);
}
