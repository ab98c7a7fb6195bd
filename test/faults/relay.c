/* Stands between a controller and its executor for tests: becomes the executor ($RELAY_EXECUTOR), and leaves a process beside it that hands
   the stream on byte by byte, counts frames, and does something at one point of it:

     RELAY_POINT = START DIRECTION FRAME OFFSET ACTION

   START: which executor of this run, from 0; DIRECTION: c from the controller, e from the executor; FRAME, from 0, of that
   direction; OFFSET: so many bytes of it have been handed on. RELAY_LOG gets a line for each frame as its header comes,
   "frame START DIRECTION FRAME SIZE OPCODE", and "point NANOSECONDS" of CLOCK_MONOTONIC. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 32, CONTROLLER = 0, EXECUTOR = 1 };

struct side {
  int fd;
  pid_t process;
  bool ended;       /* nothing more comes from it */
  bool cut;         /* nothing more is handed to it */
  unsigned frame;   /* the one that it is sending */
  uint64_t offset;  /* bytes of that handed on */
  uint64_t size;    /* once its header has been seen */
  bool scrambled;   /* the rest of the frame is noise */
  unsigned char header[HEADER];
};

static struct side sides[2];
static int start;
static int log_fd = -1;
static struct {
  int start, direction;
  unsigned frame;
  uint64_t offset;
  char action[64];
  bool done;
} point = {.start = -1};

static void note(const char *format, unsigned long long a, unsigned long long b, unsigned long long c, unsigned long long d, unsigned long long e) {
  char line[160];
  int size = snprintf(line, sizeof line, format, a, b, c, d, e);
  if (write(log_fd, line, (size_t)size) < 0) _exit(3);
}

static void hand_on(struct side *to, const unsigned char *bytes, size_t size) {
  while (size > 0 && !to->cut) {
    ssize_t count = send(to->fd, bytes, size, MSG_NOSIGNAL);
    if (count > 0) bytes += count, size -= (size_t)count;
    else if (errno != EINTR) to->cut = true;
  }
}

static void cut(struct side *side) {
  side->cut = true;
  shutdown(side->fd, SHUT_WR);
}

static void send_frame(uint64_t size, uint64_t opcode, uint64_t sequence, uint64_t tag, size_t payload) {
  uint64_t header[] = {size, opcode, sequence, tag};
  unsigned char bytes[4096];
  memset(bytes, 0xee, sizeof bytes);
  hand_on(&sides[CONTROLLER], (unsigned char *)header, sizeof header);
  hand_on(&sides[CONTROLLER], bytes, payload);
}

static void garble(const char *kind) {
  uint64_t sequence;
  memcpy(&sequence, sides[EXECUTOR].header + 16, sizeof sequence);
  if (strcmp(kind, "size") == 0) send_frame(31, 2, 0, 0, 0);
  else if (strcmp(kind, "huge") == 0) send_frame(1ull << 40, 2, 0, 0, 0);
  else if (strcmp(kind, "opcode") == 0) send_frame(32, 77, 0, 0, 0);
  else if (strcmp(kind, "sequence") == 0) send_frame(32, 2, 123456, 0, 0);
  else if (strcmp(kind, "setup") == 0) send_frame(32, 0, 0, 0, 0);
  else if (strcmp(kind, "hangup") == 0) send_frame(32 + 16, 1, 0, 0, 16);
  else if (strcmp(kind, "payload") == 0) sides[EXECUTOR].scrambled = true;
  else if (strcmp(kind, "noise") == 0) send_frame(0xeeeeeeeeeeeeeeeeull, 0xeeeeeeeeeeeeeeeeull, 1, 1, 4096);
  else _exit(4);
}

static void act(void) {
  point.done = true;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  note("point %llu\n", (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec, 0, 0, 0, 0);
  const char *action = point.action;
  /* What a killed process has not written by then is lost. */
  if (strcmp(action, "kill-executor") == 0) {
    kill(sides[EXECUTOR].process, SIGKILL);
    cut(&sides[CONTROLLER]);
  } else if (strcmp(action, "kill-controller") == 0) {
    kill(sides[CONTROLLER].process, SIGKILL);
    cut(&sides[EXECUTOR]);
  } else if (strcmp(action, "stop-executor") == 0) {
    kill(sides[EXECUTOR].process, SIGSTOP);
    sides[CONTROLLER].cut = true;
  } else if (strcmp(action, "pause-executor") == 0 || strcmp(action, "pause-controller") == 0) {
    pid_t process = sides[action[6] == 'e' ? EXECUTOR : CONTROLLER].process;
    kill(process, SIGSTOP);
    usleep(150000);
    kill(process, SIGCONT);
  } else if (strcmp(action, "cut") == 0) _exit(0);
  else if (strcmp(action, "end-to-controller") == 0) cut(&sides[CONTROLLER]);
  else if (strcmp(action, "end-to-executor") == 0) cut(&sides[EXECUTOR]);
  else if (strncmp(action, "garble-", 7) == 0) garble(action + 7);
  else _exit(4);
}

static bool is_point(int direction, uint64_t offset) {
  const struct side *side = &sides[direction];
  return !point.done && point.start == start && point.direction == direction && point.frame == side->frame && point.offset == offset;
}

/* Hands on what has come from one side, up to the point, and from there. */
static void feed(int direction, const unsigned char *bytes, size_t size) {
  struct side *from = &sides[direction], *to = &sides[!direction];
  while (size > 0) {
    if (is_point(direction, from->offset)) act();
    uint64_t end = from->offset < HEADER ? HEADER : from->size;
    if (!point.done && point.start == start && point.direction == direction && point.frame == from->frame && point.offset > from->offset &&
        point.offset < end) {
      end = point.offset;
    }
    size_t part = end - from->offset < size ? (size_t)(end - from->offset) : size;
    if (from->offset < HEADER) memcpy(from->header + from->offset, bytes, part);
    if (from->scrambled) {
      unsigned char noise[64 * 1024];
      memset(noise, 0xee, part);
      hand_on(to, noise, part);
    } else {
      hand_on(to, bytes, part);
    }
    bytes += part;
    size -= part;
    from->offset += part;
    if (from->offset == HEADER && from->size == 0) {
      uint64_t opcode;
      memcpy(&from->size, from->header, sizeof from->size);
      memcpy(&opcode, from->header + 8, sizeof opcode);
      note("frame %llu %llu %llu %llu %llu\n", (unsigned)start, direction == EXECUTOR, from->frame, from->size, opcode);
    }
    if (from->size != 0 && from->offset == from->size) {
      if (is_point(direction, from->size)) act();
      from->frame++;
      from->scrambled = false;
      from->offset = from->size = 0;
    } else if (is_point(direction, from->offset)) {
      act();
    }
  }
}

static void relay(void) {
  static unsigned char buffer[64 * 1024];
  while (!sides[EXECUTOR].ended) {
    struct pollfd ready[2];
    for (int i = 0; i < 2; i++) ready[i] = (struct pollfd){sides[i].ended ? -1 : sides[i].fd, POLLIN, 0};
    if (poll(ready, 2, -1) < 0) continue;
    for (int i = 0; i < 2; i++) {
      if (!ready[i].revents) continue;
      ssize_t count = recv(sides[i].fd, buffer, sizeof buffer, 0);
      if (count > 0) {
        feed(i, buffer, (size_t)count);
      } else {
        sides[i].ended = true;
        cut(&sides[!i]);
      }
    }
  }
}

static void read_point(void) {
  char direction;
  const char *text = getenv("RELAY_POINT");
  unsigned long long offset;
  if (!text || *text == '\0') return;
  if (sscanf(text, "%d %c %u %llu %63s", &point.start, &direction, &point.frame, &offset, point.action) != 5) exit(4);
  point.direction = direction == 'e' ? EXECUTOR : CONTROLLER;
  point.offset = offset;
}

/* Which executor of the run this is: each leaves a file. */
static void find_start(const char *log) {
  char path[4096];
  for (;; start++) {
    snprintf(path, sizeof path, "%s.%d", log, start);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd < 0) exit(3);
    close(fd);
    return;
  }
}

int main(int count, char **arguments) {
  (void)count;
  const char *log = getenv("RELAY_LOG"), *executor = getenv("RELAY_EXECUTOR");
  int pair[2];
  if (!log || !executor || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 3;
  read_point();
  find_start(log);
  sides[CONTROLLER].process = getppid();
  sides[EXECUTOR].process = getpid();
  pid_t child = fork();
  if (child == 0) {
    if (fork() != 0) _exit(0);
    setsid();
    log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    sides[CONTROLLER].fd = dup(3);
    sides[EXECUTOR].fd = dup(pair[0]);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(null, fd);
    /* The executor's other descriptors are none of ours: the slab is to be gone with it. */
    for (int fd = 3; fd < 64; fd++) {
      if (fd != log_fd && fd != sides[CONTROLLER].fd && fd != sides[EXECUTOR].fd) close(fd);
    }
    signal(SIGPIPE, SIG_IGN);
    relay();
    _exit(0);
  }
  if (child < 0) return 3;
  waitpid(child, NULL, 0);
  close(pair[0]);
  dup2(pair[1], 3);
  close(pair[1]);
  arguments[0] = (char *)executor;
  execv(executor, arguments);
  return 3;
}
