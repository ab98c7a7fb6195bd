// The program's own operator new serves the library's templates, and the library itself where it calls it.
// compile: {gcc,clang-22} -O1 {-fPIE,-fPIC,-fno-pic}
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

static int news, deletes;
void *operator new(std::size_t size) {
  news++;
  if (void *block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete(void *block) noexcept {
  deletes++;
  std::free(block);
}
void operator delete(void *block, std::size_t) noexcept {
  deletes++;
  std::free(block);
}

int main() {
  {
    std::vector<int> v(10);
    int *p = new int(3);
    v[0] = *p;
    delete p;
  }
  std::printf("%d %d\n", news, deletes);
}
