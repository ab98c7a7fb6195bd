// What processes and the kernel share: shared mutexes and conditions over fork, robust ones, named semaphores and memory, pipes and socket
// pairs with descriptors, epoll, eventfd, timerfd, timers that start threads, file locks, limits that send signals.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
  pthread_mutex_t mutex, robust;
  pthread_cond_t condition;
  int turn, count;
};

static sem_t ticked;
static int tick_value;
static void on_tick(union sigval value) {
  tick_value = value.sival_int;
  sem_post(&ticked);
}

static volatile sig_atomic_t limited;
static void on_limit(int number) {
  (void)number;
  limited++;
}

static void send_descriptor(int socket, int fd) {
  char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 'x';
  struct iovec vector = {&byte, 1};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (sendmsg(socket, &message, 0) != 1) abort();
}

static int receive_descriptor(int socket) {
  char control[CMSG_SPACE(sizeof(int))], byte;
  struct iovec vector = {&byte, 1};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int fd = -1;
  if (recvmsg(socket, &message, 0) != 1) abort();
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attribute;
  pthread_condattr_t condition;
  pthread_mutexattr_init(&attribute);
  pthread_condattr_init(&condition);
  pthread_mutexattr_setpshared(&attribute, PTHREAD_PROCESS_SHARED);
  pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&shared->mutex, &attribute);
  pthread_cond_init(&shared->condition, &condition);
  pthread_mutexattr_setrobust(&attribute, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&shared->robust, &attribute);
  pid_t child = fork();
  for (int i = 0; i < 100; i++) {
    pthread_mutex_lock(&shared->mutex);
    while (shared->turn != (child == 0)) pthread_cond_wait(&shared->condition, &shared->mutex);
    shared->turn = !shared->turn;
    shared->count++;
    pthread_cond_broadcast(&shared->condition);
    pthread_mutex_unlock(&shared->mutex);
  }
  if (child == 0) {
    pthread_mutex_lock(&shared->robust);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  printf("%d %d\n", shared->count, status);
  printf("robust %d", pthread_mutex_lock(&shared->robust) == EOWNERDEAD);
  printf(" %d\n", pthread_mutex_consistent(&shared->robust));

  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return 1;
  child = fork();
  if (child == 0) {
    int fd = receive_descriptor(pair[1]);
    if (write(fd, "from the child\n", 15) != 15) _exit(1);
    _exit(0);
  }
  send_descriptor(pair[0], 1);
  waitpid(child, &status, 0);
  printf("descriptor %d\n", status);

  int poll_fd = epoll_create1(EPOLL_CLOEXEC), event = eventfd(0, 0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, event, &(struct epoll_event){.events = EPOLLIN, .data.u32 = 1});
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer, &(struct epoll_event){.events = EPOLLIN, .data.u32 = 2});
  timerfd_settime(timer, 0, &(struct itimerspec){.it_value.tv_nsec = 2000000}, NULL);
  struct epoll_event happened;
  int ready = epoll_wait(poll_fd, &happened, 1, 5000);
  printf("epoll %d %u\n", ready, happened.data.u32);
  uint64_t number = 5;
  if (read(timer, &number, 8) != 8) return 2;
  number = 7;
  if (write(event, &number, 8) != 8) return 3;
  ready = epoll_wait(poll_fd, &happened, 1, 5000);
  number = 0;
  if (read(event, &number, 8) != 8) return 4;
  printf("event %d %u %d\n", ready, happened.data.u32, (int)number);

  sem_init(&ticked, 0, 0);
  timer_t thread_timer;
  struct sigevent notify = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_tick, .sigev_value.sival_int = 31};
  timer_create(CLOCK_MONOTONIC, &notify, &thread_timer);
  timer_settime(thread_timer, 0, &(struct itimerspec){.it_value.tv_nsec = 1000000}, NULL);
  sem_wait(&ticked);
  timer_delete(thread_timer);
  printf("tick %d\n", tick_value);

  char name[64];
  snprintf(name, sizeof name, "/program-test-%d", (int)getpid());
  sem_t *named = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
  child = fork();
  if (child == 0) {
    sem_t *same = sem_open(name, 0);
    sem_post(same);
    _exit(0);
  }
  printf("named %d", sem_wait(named));
  waitpid(child, &status, 0);
  printf(" %d %d\n", sem_close(named), sem_unlink(name));
  int memory = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  printf("memory %d", ftruncate(memory, 4096));
  printf(" %d\n", shm_unlink(name));

  FILE *file = tmpfile();
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  printf("lock %d\n", fcntl(fileno(file), F_SETLK, &lock));
  signal(SIGXFSZ, on_limit);
  struct rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = 10;
  setrlimit(RLIMIT_FSIZE, &limit);
  ssize_t first = pwrite(fileno(file), "0123456789abc", 13, 0);
  ssize_t more = pwrite(fileno(file), "0123456789abc", 13, 10);
  printf("limit %d %d %d %d\n", (int)first, (int)more, errno == EFBIG, limited);
  signal(SIGVTALRM, on_limit);
  setitimer(ITIMER_VIRTUAL, &(struct itimerval){.it_value.tv_usec = 2000}, NULL);
  for (volatile long i = 0; limited < 2; i++);
  printf("virtual time %d\n", limited);
  return 0;
}
