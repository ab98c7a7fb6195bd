// Tables about functions (SHF_LINK_ORDER): those of a function that another object provides go with it.
// compile: gcc -O2 -fpatchable-function-entry=2,1
// compile: clang-22 -O2 -fpatchable-function-entry=2 {-fPIE,-fno-pic}
#include <cstdio>

template <class T>
__attribute__((noinline)) T twice(T x) {
  static int calls;
  if (x > 1000) throw x;
  return 2 * x + ++calls;
}
int other(int x);

int main() {
  std::printf("%d %d\n", twice(1), other(2));
  try {
    twice(5000);
  } catch (int x) {
    std::printf("%d\n", x);
  }
}
// file: other.cc
template <class T>
__attribute__((noinline)) T twice(T x) {
  static int calls;
  if (x > 1000) throw x;
  return 2 * x + ++calls;
}
int other(int x) { return twice(x) + 1; }
