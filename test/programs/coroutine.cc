// A coroutine, and an exception out of it: C++20 as both compilers emit it.
// compile: {gcc,clang-22} -std=c++20 -O2
#include <coroutine>
#include <cstdio>
#include <exception>

struct Generator {
  struct promise_type {
    int value;
    Generator get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(int v) {
      value = v;
      return {};
    }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
  std::coroutine_handle<promise_type> handle;
  ~Generator() { handle.destroy(); }
};

static Generator fibonacci() {
  int a = 0, b = 1;
  while (a < 100) {
    co_yield a;
    int next = a + b;
    a = b;
    b = next;
  }
  throw "the end";
}

int main() {
  Generator numbers = fibonacci();
  try {
    for (;;) {
      numbers.handle.resume();
      std::printf("%d ", numbers.handle.promise().value);
    }
  } catch (const char *text) {
    std::printf("%s\n", text);
  }
}
