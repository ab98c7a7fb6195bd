// All forms of operator new and delete, replaced by the program: the C++ library and a library of the user's call them,
// also for what a constructor of the library does before main.
// compile: {g++,clang++-22} -std=c++17 -O1 {-fPIE,-fPIC,-fno-pic}
// before: g++ -std=c++17 -shared -fPIC -o libowned.so -x c++ owned.library
// inputs: interposed-new.o ./libowned.so
// reference: -Wl,-rpath,.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

std::string owned_text(int n);
std::vector<std::string> *owned_list();
void owned_drop(std::string *);

// Each block has a mark in front of it; a block without is not ours.
static const unsigned long MARK = 0x6d61726b6d61726b;
static unsigned long count[8];
static void *take(std::size_t alignment, std::size_t size) {
  if (alignment < 16) alignment = 16;
  char *block = static_cast<char *>(std::aligned_alloc(alignment, (size + 2 * alignment - 1) & -alignment));
  reinterpret_cast<unsigned long *>(block + alignment)[-1] = MARK;
  reinterpret_cast<unsigned long *>(block + alignment)[-2] = alignment;
  return block + alignment;
}
static void give(void *block) {
  if (block == nullptr) return;
  unsigned long *head = static_cast<unsigned long *>(block);
  if (head[-1] != MARK) {
    std::fputs("delete of a foreign block\n", stderr);
    std::_Exit(99);
  }
  head[-1] = 0;
  std::free(static_cast<char *>(block) - head[-2]);
}
void *operator new(std::size_t size) { return count[0]++, take(16, size); }
void *operator new[](std::size_t size) { return count[1]++, take(16, size); }
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return count[2]++, take(16, size); }
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept { return count[3]++, take(16, size); }
void *operator new(std::size_t size, std::align_val_t a) { return count[4]++, take(std::size_t(a), size); }
void *operator new[](std::size_t size, std::align_val_t a) { return count[5]++, take(std::size_t(a), size); }
void *operator new(std::size_t size, std::align_val_t a, const std::nothrow_t &) noexcept { return take(std::size_t(a), size); }
void *operator new[](std::size_t size, std::align_val_t a, const std::nothrow_t &) noexcept { return take(std::size_t(a), size); }
void operator delete(void *p) noexcept { count[6]++, give(p); }
void operator delete[](void *p) noexcept { count[7]++, give(p); }
void operator delete(void *p, const std::nothrow_t &) noexcept { give(p); }
void operator delete[](void *p, const std::nothrow_t &) noexcept { give(p); }
void operator delete(void *p, std::size_t) noexcept { give(p); }
void operator delete[](void *p, std::size_t) noexcept { give(p); }
void operator delete(void *p, std::align_val_t) noexcept { give(p); }
void operator delete[](void *p, std::align_val_t) noexcept { give(p); }
void operator delete(void *p, std::size_t, std::align_val_t) noexcept { give(p); }
void operator delete[](void *p, std::size_t, std::align_val_t) noexcept { give(p); }

struct alignas(128) Wide {
  char bytes[128];
};

int main() {
  std::printf("before main %d\n", count[0] > 0);
  {
    std::string text = owned_text(100);
    text += " and this makes it longer than it was";
    std::unique_ptr<std::vector<std::string>> list(owned_list());
    list->push_back("one more that does not fit into the object itself");
    std::ostringstream stream;
    for (int i = 0; i < 1000; i++) stream << i << ' ' << text.size() << '\n';
    std::printf("%zu %zu %zu\n", text.size(), list->size(), stream.str().size());
    owned_drop(new std::string("given to the library, which deletes it for the program"));
  }
  delete new (std::nothrow) int(3);
  delete[] new int[4];
  delete[] new (std::nothrow) int[4];
  Wide *wide = new Wide, *many = new Wide[3];
  std::printf("%d %d\n", int(reinterpret_cast<unsigned long>(wide) % 128), int(reinterpret_cast<unsigned long>(many) % 128));
  delete wide;
  delete[] many;
  std::thread([] { delete new std::string(50, 'x'); }).join();
  try {
    throw std::string("thrown, and long enough to need memory");
  } catch (std::string &caught) {
    std::printf("%s\n", caught.c_str());
  }
  std::printf("%d %d %d %d %d %d\n", count[0] > 10, count[1] > 0, count[2] > 0, count[3] > 0, count[4] > 0, count[5] > 0);
  return 0;
}
// file: owned.library
#include <map>
#include <string>
#include <vector>
static std::map<int, std::string> table = {{1, "a text that is too long for the object itself"}, {2, "b"}};
std::string owned_text(int n) { return std::string(n, 'x') + table[1]; }
std::vector<std::string> *owned_list() { return new std::vector<std::string>{table[1], table[2]}; }
void owned_drop(std::string *text) {
  table[3] = *text;
  table.erase(1);
  delete text;
}
