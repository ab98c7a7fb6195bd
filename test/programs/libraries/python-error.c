// An exception that nothing catches in Python: a traceback on standard error, status 1.
// compile: gcc -O2 -I/usr/include/python3.11
// inputs: python-error.o lib:libpython3.11.a -lexpat -lz -lm
// reference: -no-pie -rdynamic
// args: -c "import json; json.loads('[1,')"
// status: 1
#include <Python.h>

int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
