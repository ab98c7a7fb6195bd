// Exceptions thrown through linked frames: by value and by hierarchy, rethrown, nested, from constructors, out of library code.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fno-pic}
// compile: {gcc,clang-22} -O2 -fPIC
// compile: {gcc,clang-22} -O2 -ffunction-sections
// compile: gcc -O2 -mcmodel=large
// compile: gcc -O2 -g -fstack-protector-all -fcf-protection=full -D_GLIBCXX_ASSERTIONS
#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

struct Noisy {
  int id;
  explicit Noisy(int i) : id(i) {}
  ~Noisy() { std::printf("~%d ", id); }
};

struct Base {
  virtual ~Base() = default;
};
struct Left : virtual Base {};
struct Right : virtual Base {};
struct Both : Left, Right {
  int payload = 42;
};

struct Fails {
  Noisy member{100};
  Fails() { throw std::string("constructor"); }
};

__attribute__((noinline)) static void deep(int n) {
  Noisy noisy(n);
  if (n == 0) throw Both();
  deep(n - 1);
}

void elsewhere(const std::function<void()> &f);

int main() {
  try {
    deep(3);
  } catch (const Left &left) {
    std::printf("Left %d\n", dynamic_cast<const Both &>(left).payload);
  }
  try {
    Fails fails;
  } catch (const std::string &text) {
    std::printf("%s\n", text.c_str());
  }
  try {
    std::vector<int>().at(5);
  } catch (const std::out_of_range &) {
    std::printf("out_of_range\n");
  }
  try {
    try {
      throw 1;
    } catch (...) {
      std::throw_with_nested(std::runtime_error("outer"));
    }
  } catch (const std::exception &error) {
    try {
      std::rethrow_if_nested(error);
    } catch (int inner) {
      std::printf("%s around %d\n", error.what(), inner);
    }
  }
  try {
    std::vector<int> numbers{3, 1, 2};
    std::sort(numbers.begin(), numbers.end(), [](int a, int b) -> bool {
      if (a == 2 || b == 2) throw "out of std::sort";
      return a < b;
    });
  } catch (const char *text) {
    std::printf("%s\n", text);
  }
  std::exception_ptr kept;
  try {
    elsewhere([] { throw 3.5; });
  } catch (...) {
    kept = std::current_exception();
  }
  try {
    std::rethrow_exception(kept);
  } catch (double number) {
    std::printf("%g %d\n", number, std::uncaught_exceptions());
  }
  try {
    Base *base = nullptr;
    (void)typeid(*base).name();
  } catch (const std::bad_typeid &) {
    std::printf("bad_typeid\n");
  }
  return 0;
}
// file: elsewhere.cc
#include <cstdio>
#include <functional>
void elsewhere(const std::function<void()> &f) {
  struct Guard {
    ~Guard() { std::printf("guard "); }
  } guard;
  f();
}
