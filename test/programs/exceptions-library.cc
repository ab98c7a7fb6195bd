// Exceptions between the program and a library, of types that both define, through callbacks.
// compile: {gcc,clang-22} -O2 {-fPIE,-fPIC}
// compile: gcc -O0 -fno-pic
// before: g++ -shared -fPIC -O1 -x c++ lib.txt -o liblib.so
// inputs: exceptions-library.o ./liblib.so
// reference: -Wl,-rpath,.
#include <cstdio>
#include <stdexcept>
#include <string>
#include <exception>
struct Shared { int v; virtual ~Shared() {} };
struct Derived : Shared { Derived(int x) { v = x; } };
struct FromLib; 
void lib_throw(int);
void lib_call(void (*)(int), int);
int lib_catch(void (*)(int), int);
extern "C" int lib_c(int (*)(int), int);
template <class T> struct Box { T v; };
static void cb(int x) {
  switch (x) {
    case 0: throw 5;
    case 1: throw Derived(7);
    case 2: throw std::runtime_error("from program");
    case 3: throw Box<int>{9};
    case 4: throw std::string("str");
    case 5: throw (const char *)"cstr";
    case 6: throw (Derived *)nullptr;
    case 7: throw std::bad_alloc();
  }
}
int main() {
  for (int i = 0; i < 5; i++) {
    try { lib_throw(i); }
    catch (int v) { printf("int %d\n", v); }
    catch (Shared &s) { printf("shared %d\n", s.v); }
    catch (Box<long> &b) { printf("box %ld\n", b.v); }
    catch (std::exception &e) { printf("std %s\n", e.what()); }
    catch (...) { printf("...\n"); }
  }
  for (int i = 0; i < 8; i++) {
    try { lib_call(cb, i); }
    catch (int v) { printf("int %d\n", v); }
    catch (Shared &s) { printf("shared %d\n", s.v); }
    catch (Shared *s) { printf("pointer %d\n", s == nullptr); }
    catch (Box<int> &b) { printf("box %d\n", b.v); }
    catch (std::string &s) { printf("string %s\n", s.c_str()); }
    catch (const char *s) { printf("cstr %s\n", s); }
    catch (std::exception &e) { printf("std %s\n", e.what()); }
  }
  for (int i = 0; i < 8; i++) printf("caught in lib: %d\n", lib_catch(cb, i));
  try { lib_c([](int x) -> int { throw x; }, 12); } catch (int v) { printf("through C %d\n", v); }
}
// file: lib.txt
#include <cstdio>
#include <stdexcept>
#include <string>
struct Shared { int v; virtual ~Shared() {} };
struct Derived2 : Shared { Derived2(int x) { v = x; } };
template <class T> struct Box { T v; };
struct Private { int x; };
void lib_throw(int x) {
  switch (x) { case 0: throw 3; case 1: throw Derived2(8); case 2: throw Box<long>{77}; case 3: throw std::logic_error("lib"); case 4: throw Private{1}; }
}
struct Guard { ~Guard() { printf("lib guard\n"); } };
void lib_call(void (*f)(int), int x) { Guard g; f(x); }
int lib_catch(void (*f)(int), int x) {
  try { Guard g; f(x); } catch (int v) { return v; } catch (Shared &s) { return s.v + 100; } catch (Shared *) { return 6; } catch (Box<int> &b) { return b.v + 200; } catch (std::string &s) { return s.size() + 300; } catch (const char *s) { return s[0]; }
  catch (std::exception &) { return 400; }
  return -1;
}
extern "C" int lib_c(int (*f)(int), int x) { return f(x); }
