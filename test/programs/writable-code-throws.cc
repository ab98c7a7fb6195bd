// Exceptions thrown and caught by functions in a section that is writable and executable; references to it from elsewhere.
// compile: g++ -O{0,2} -fPIC
// reference: -Wl,--no-warn-rwx-segments
// warning: writable-code-throws.o:(.patched): this section is writable and executable at once
#include <cstdio>
#include <stdexcept>
#include <string>

#define PATCHED __attribute__((section(".patched,\"awx\",@progbits#"), noinline))

struct Guard {
  const char *name;
  ~Guard() { std::printf("left %s\n", name); }
};

PATCHED int thrower(int x) {
  Guard guard{"thrower"};
  if (x > 2) throw std::runtime_error("x is " + std::to_string(x));
  return x;
}

PATCHED int catcher(int x) {
  try {
    return thrower(x);
  } catch (const std::runtime_error &error) {
    std::printf("caught %s\n", error.what());
    return -x;
  }
}

int (*const pointers[])(int) = {thrower, catcher};

int main() {
  std::printf("%d %d\n", catcher(1), catcher(5));
  try {
    pointers[0](9);
  } catch (const std::exception &error) {
    std::printf("main caught %s\n", error.what());
  }
  return pointers[1](3) + 3;
}
