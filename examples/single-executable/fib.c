/* What the program carries inside as an object. */
#include <stdint.h>

int64_t fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
