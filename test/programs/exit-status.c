// The status that main returns.
// compile: {gcc,clang-22} -O1
// status: 77
int main(void) { return 77; }
