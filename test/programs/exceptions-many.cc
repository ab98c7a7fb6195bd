// A hundred thousand exceptions, in two threads at once: the unwinder finds every frame, every time.
// compile: gcc -O2 {-fPIE,-fno-pic}
#include <cstdio>
#include <stdexcept>
#include <thread>

__attribute__((noinline)) static int risky(int n) {
  if (n % 2) throw std::runtime_error("odd");
  return n;
}

static void work(int *caught) {
  for (int i = 0; i < 50000; i++) {
    try {
      risky(i);
    } catch (const std::exception &) {
      ++*caught;
    }
  }
}

int main() {
  int first = 0, second = 0;
  std::thread other(work, &first);
  work(&second);
  other.join();
  std::printf("%d %d\n", first, second);
}
