/* Runs a command for which some system calls fail, as under a container's seccomp profile:

     refuse ERRNO NUMBER[,NUMBER]... COMMAND [ARGUMENT]... */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { MOST = 32 };

int main(int count, char **arguments) {
  struct sock_filter filter[2 * MOST + 2];
  unsigned short size = 0;
  if (count < 4) return 3;
  int error = atoi(arguments[1]);
  filter[size++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (char *at = arguments[2]; *at && size < 2 * MOST; at += *at == ',') {
    unsigned number = (unsigned)strtoul(at, &at, 10);
    filter[size++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
    filter[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((unsigned)error & SECCOMP_RET_DATA));
  }
  filter[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {size, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("refuse: no filter can be installed");
    return 3;
  }
  execvp(arguments[3], arguments + 3);
  perror(arguments[3]);
  return 3;
}
