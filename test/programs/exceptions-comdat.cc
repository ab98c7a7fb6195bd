// Exceptions through functions that two objects have: the frames of the dropped copies count for nothing.
// compile: {gcc,clang-22} -O0 {-fPIC,-fno-pic} -ffunction-sections
// compile: {gcc,clang-22} -O2 -mcmodel=large
#include <cstdio>
#include <string>
int two(int);
template <class T> __attribute__((noinline)) T shared(T x) { struct G { ~G() { printf("guard\n"); } } g; if (x > 3) throw x; return x + 1; }
inline __attribute__((noinline)) int shared2(int x) { try { return shared(x); } catch (long) { return 0; } }
int main() {
  try { shared(5); } catch (int v) { printf("%d\n", v); }
  try { shared(5.5); } catch (double v) { printf("%g\n", v); }
  try { two(9); } catch (int v) { printf("%d\n", v); }
  try { shared2(7); } catch (int v) { printf("%d\n", v); }
}
// file: two.cc
#include <cstdio>
#include <string>
template <class T> __attribute__((noinline)) T shared(T x) { struct G { ~G() { printf("guard\n"); } } g; if (x > 3) throw x; return x + 1; }
inline __attribute__((noinline)) int shared2(int x) { try { return shared(x); } catch (long) { return 0; } }
int two(int x) { try { shared(6L); } catch (long v) { printf("long %ld\n", v); } return shared2(x); }
