// Libraries that the program opens by dlopen find the program's functions before the C library's, also in their constructors and when they are
// closed; an allocator, another function of the C library's, one of its own.
// compile: {g++,clang++-22} -O1 -fno-builtin {-fPIE,-fPIC,-fno-pic} {-DALLOCATOR,}
// before: g++ -O1 -fno-builtin -shared -fPIC -o libplugin.so -x c++ plugin.library
// inputs: interposed-plugin.o
// link: -ldl
// reference: -rdynamic
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#ifdef ALLOCATOR
static char arena[1 << 22];
static size_t used;
extern "C" void *malloc(size_t size) {
  void *block = arena + used;
  used += (size + 31) & ~15ul;
  return block;
}
extern "C" void free(void *block) {
  if (block && (block < arena || block >= arena + sizeof arena)) {
    puts("a foreign block");
    _Exit(9);
  }
}
extern "C" void *calloc(size_t count, size_t size) { return memset(malloc(count * size), 0, count * size); }
extern "C" void *realloc(void *block, size_t size) {
  void *again = malloc(size);
  return block ? memmove(again, block, size) : again;
}
#endif
extern "C" int program_answer(int x) { return x * 2; }
extern "C" int isalpha(int c) { return c == '7' ? 70 : 0; }
int main() {
  void *library = dlopen("./libplugin.so", RTLD_NOW | RTLD_LOCAL);
  if (!library) return puts(dlerror()), 1;
  char *text = reinterpret_cast<char *(*)()>(dlsym(library, "text"))();
  std::printf("%s\n", text);
  std::free(text);
  reinterpret_cast<void (*)(char *)>(dlsym(library, "take"))(strdup("given to the plugin"));
  std::printf("%d\n", dlsym(RTLD_DEFAULT, "isalpha") == reinterpret_cast<void *>(isalpha));
  dlclose(library);
  std::printf("%d %s\n", dlopen("./none.so", RTLD_NOW) == nullptr, dlerror());
}
// file: plugin.library
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#undef isalpha
extern "C" int program_answer(int), isalpha(int);
static char *early = strdup("made early");
static std::string long_text(100, 'y');
static struct Last {
  ~Last() {
    std::printf("plugin ends %d\n", program_answer(4));
    std::free(early);
  }
} last;
extern "C" char *text() {
  char *block = static_cast<char *>(std::malloc(50));
  std::sprintf(block, "%s %d %d %d", early, program_answer(21), isalpha('7'), isalpha('a'));
  std::cout << "in the plugin " << long_text.size() << std::endl;
  return block;
}
extern "C" void take(char *block) {
  std::puts(block);
  std::free(block);
}
