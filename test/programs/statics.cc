// Constructors and destructors of static objects: order within an object, across objects, in functions, with priorities.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC,-fno-pic}
#include <cstdio>
#include <cstdlib>

struct Static {
  const char *name;
  explicit Static(const char *n) : name(n) { std::printf("+%s\n", name); }
  ~Static() { std::printf("-%s\n", name); }
};

Static first("first"), second("second");
__attribute__((init_priority(150))) Static early("early");
int dynamic_value = std::printf("dynamic initialization\n");
inline Static inline_static("inline");
template <int N> struct Holder {
  static Static member;
};
template <int N> Static Holder<N>::member("template");
void use_other();

Static &in_function() {
  static Static local("in a function");
  return local;
}

int main() {
  std::atexit([] { std::printf("atexit\n"); });
  in_function();
  in_function();
  (void)&Holder<1>::member;
  use_other();
  std::printf("main %d\n", dynamic_value);
}
// file: other.cc
#include <cstdio>
struct Other {
  Other() { std::printf("+other object\n"); }
  ~Other() { std::printf("-other object\n"); }
} other;
void use_other() { std::printf("other used\n"); }
