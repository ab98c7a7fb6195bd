// Allocators that people link: as archives, where they are the program's own, and as libraries before the C library.
// compile: g++ -std=c++17 -O1 {-fPIE,-fPIC}
// inputs: interposed-allocators.o {lib:libjemalloc.a,lib:libjemalloc.so,lib:libtcmalloc_minimal.so.4,lib:libmimalloc.so}
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <iostream>
#include <malloc.h>
#include <map>
#include <string>
#include <thread>
#include <vector>
int main() {
  char *line = nullptr;
  size_t room = 0;
  int lines = 0;
  FILE *file = std::fopen("/proc/self/status", "r");
  while (getline(&line, &room, file) > 0) lines++;
  std::free(line);
  std::fclose(file);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([] {
      std::map<int, std::string> map;
      for (int i = 0; i < 20000; i++) map[i] = std::string(i % 100, 'x');
      for (int i = 0; i < 20000; i += 2) map.erase(i);
      std::free(strdup("in a thread"));
    });
  }
  for (auto &thread : threads) thread.join();
  char *text;
  if (asprintf(&text, "%d", lines > 5) < 0) return 1;
  std::cout << text << ' ' << (malloc_usable_size(text) >= 2) << std::endl;
  std::free(text);
  // Only an allocator that serves the C library too has the sizes of its own classes for what that allocates.
  char *own = static_cast<char *>(std::malloc(4000)), *theirs = strndup(std::string(5000, 'x').c_str(), 3999);
  std::cout << malloc_usable_size(own) << ' ' << malloc_usable_size(theirs) << std::endl;
  std::free(own);
  std::free(theirs);
  setenv("A", "1", 1), setenv("B", "2", 1), unsetenv("A"), setenv("B", "something longer than it was", 1);
  std::cout << std::getenv("B") << ' ' << (dlopen("none.so", RTLD_NOW) == nullptr) << ' ' << dlerror() << std::endl;
  char *large = static_cast<char *>(std::malloc(1 << 26));
  large[5] = 1;
  large = static_cast<char *>(std::realloc(large, 1 << 27));
  std::cout << int(large[5]) << std::endl;
  std::free(large);
}
