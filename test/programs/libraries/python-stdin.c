// CPython reads its program from standard input.
// compile: gcc -O2 -I/usr/include/python3.11
// inputs: python-stdin.o {lib:libpython3.11-pic.a,lib:libpython3.11.a} -lexpat -lz -lm
// reference: -no-pie -rdynamic
// stdin: import sys
// stdin: def fibonacci(n):
// stdin:     return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
// stdin: print(fibonacci(18), sys.argv, __name__)
// stdin: print(open("/proc/self/comm").read() != "")
#include <Python.h>

int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
