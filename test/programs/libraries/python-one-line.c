// CPython as an archive, the PIC one and the ordinary one, and a program on its command line.
// compile: {gcc,clang-22} -O2 -I/usr/include/python3.11
// inputs: python-one-line.o {lib:libpython3.11-pic.a,lib:libpython3.11.a} -lexpat -lz -lm
// reference: -no-pie -rdynamic
// args: -c "print(sum(range(10)))"
#include <Python.h>

int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
