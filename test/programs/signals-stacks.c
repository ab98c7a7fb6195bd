// Faults and other signals: recovery from a fault and from a stack that has overflowed by siglongjmp on an alternative stack, fault
// addresses, restarts, masks and their inheritance by threads, queues, sigwait, timers, SIGCHLD, pthread_kill, signalfd.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// status: 141
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static void *volatile fault_address;
static volatile sig_atomic_t on_alternative, count, last_value, last_code, in_thread;
static char alternative[65536];

static void on_fault(int number, siginfo_t *info, void *context) {
  (void)context;
  char here;
  on_alternative = &here >= alternative && &here < alternative + sizeof alternative;
  fault_address = info->si_addr;
  siglongjmp(back, number);
}

static void on_signal(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  count++;
  last_value = info->si_value.sival_int;
  last_code = info->si_code;
}

static void skip_trap(int number, siginfo_t *info, void *context) {
  (void)number, (void)info;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
  count += 100;
}

__attribute__((noinline)) static int endless(int n) {
  volatile char frame[4096];
  frame[n & 4095] = 1;
  return endless(n + 1) + frame[n & 4095];
}

static void catch(int number, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
  sigaction(number, &action, NULL);
}

static void *waits(void *argument) {
  sigset_t *set = argument;
  siginfo_t info;
  int number = sigwaitinfo(set, &info);
  return (void *)(long)(number == SIGRTMIN + 2 ? info.si_value.sival_int : -number);
}

static void *masks(void *argument) {
  (void)argument;
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  long seen = 0;
  for (int i = 1; i < 65; i++) seen += sigismember(&now, i) == 1;
  in_thread = 1;
  while (in_thread) usleep(500);
  return (void *)seen;
}

static void told(int number) {
  (void)number;
  in_thread = 0;
}

int main(void) {
  stack_t stack = {.ss_sp = alternative, .ss_size = sizeof alternative};
  sigaltstack(&stack, NULL);
  catch(SIGSEGV, on_fault, SA_ONSTACK);
  catch(SIGBUS, on_fault, SA_ONSTACK);
  int number = sigsetjmp(back, 1);
  if (number == 0) *(volatile int *)0x1234 = 1;
  printf("%d %p %d\n", number, fault_address, on_alternative);
  char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  number = sigsetjmp(back, 1);
  if (number == 0) page[77] = 1;
  printf("%d %d %d\n", number, (char *)fault_address == page + 77, on_alternative);
  for (int round = 0; round < 2; round++) {
    number = sigsetjmp(back, 1);
    if (number == 0) endless(0);
    printf("overflow %d %d\n", number, on_alternative);
  }

  catch(SIGUSR1, on_signal, 0);
  raise(SIGUSR1);
  printf("raise %d %d\n", count, last_code == SI_TKILL);
  kill(getpid(), SIGUSR1);
  printf("kill %d %d\n", count, last_code == SI_USER);
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &set, &before);
  printf("empty before %d\n", sigisemptyset(&before));
  catch(SIGRTMIN + 1, on_signal, 0);
  for (int i = 1; i <= 3; i++) sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 40 + i});
  raise(SIGUSR1);
  sigset_t pending;
  sigpending(&pending);
  printf("pending %d %d, %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN + 1), count);
  sigset_t none;
  sigemptyset(&none);
  errno = 0;
  int suspended = sigsuspend(&none);
  printf("suspend %d %d %d\n", suspended, errno == EINTR, count);
  pthread_t thread;
  pthread_create(&thread, NULL, masks, NULL);
  while (!in_thread) usleep(500);
  signal(SIGUSR2, told);
  printf("pthread_kill %d\n", pthread_kill(thread, SIGUSR2));
  void *result;
  pthread_join(thread, &result);
  printf("inherited %ld\n", (long)result);
  sigprocmask(SIG_SETMASK, &before, NULL);
  printf("count %d value %d\n", count, last_value);

  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 2);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_create(&thread, NULL, waits, &set);
  sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 1234});
  pthread_join(thread, &result);
  printf("sigwaitinfo %ld\n", (long)result);
  raise(SIGRTMIN + 2);
  int got = 0;
  sigwait(&set, &got);
  printf("sigwait %d\n", got == SIGRTMIN + 2);
  struct timespec soon = {0, 1000000};
  printf("sigtimedwait %d\n", sigtimedwait(&set, NULL, &soon) == -1 && errno == EAGAIN);
  int fd = signalfd(-1, &set, SFD_CLOEXEC);
  sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 5});
  struct signalfd_siginfo from;
  int whole = read(fd, &from, sizeof from) == sizeof from;
  printf("signalfd %d %d\n", whole, from.ssi_int);

  count = 0;
  catch(SIGALRM, on_signal, 0);
  struct itimerval often = {{0, 2000}, {0, 2000}};
  setitimer(ITIMER_REAL, &often, NULL);
  while (count < 5) pause();
  often.it_value.tv_usec = 0;
  setitimer(ITIMER_REAL, &often, NULL);
  printf("ticks %d\n", count >= 5);
  count = 0;
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 99};
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {0, 1000000}}, NULL);
  while (count == 0) pause();
  printf("timer %d %d\n", last_value, last_code == SI_TIMER);
  timer_delete(timer);
  count = 0;
  alarm(1);
  unsigned left = alarm(0);
  printf("alarm %u\n", left);

  catch(SIGCHLD, on_signal, SA_RESTART);
  count = 0;
  pid_t child = fork();
  if (child == 0) _exit(3);
  int status;
  waitpid(child, &status, 0);
  while (count == 0) usleep(100);
  printf("SIGCHLD %d %d\n", last_code == CLD_EXITED, WEXITSTATUS(status));

  count = 0;
  catch(SIGILL, skip_trap, 0);
  __asm__ volatile("ud2" ::: "memory");
  printf("trap %d\n", count);
  catch(SIGFPE, on_fault, SA_ONSTACK | SA_NODEFER);
  number = sigsetjmp(back, 1);
  volatile int nothing = 0;
  if (number == 0) nothing = 10 / nothing;
  printf("fpe %d\n", number);
  int ends[2];
  if (pipe(ends)) return 1;
  close(ends[0]);
  signal(SIGPIPE, SIG_IGN);
  printf("EPIPE %d\n", write(ends[1], "x", 1) == -1 && errno == EPIPE);
  fflush(stdout);
  signal(SIGPIPE, SIG_DFL);
  if (write(ends[1], "x", 1)) return 2;
  return 3;
}
