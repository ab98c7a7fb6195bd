/* What the program carries inside as an object. */
int fib(void);

static int fib_of(int n) { return n < 2 ? n : fib_of(n - 1) + fib_of(n - 2); }

int fib(void) { return fib_of(30); }
