// The program replaces itself: the status is that of what it became.
// compile: gcc -O1
// status: 12
// only: shared rpc
// because: in-process this would replace Node, with threads that hold its locks
#include <unistd.h>
int main(void) {
  execl("/bin/sh", "sh", "-c", "echo replaced; exit 12", NULL);
  return 1;
}
