#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "services/failure.h"
#include "services/sps.h"
#include "supervisor_child.h"
#include "supervisor_wire.h"

enum {
  CHUNK = 32 * 1024,       /* the most that is taken from a descriptor at once */
  QUEUED = 256 * 1024,     /* nothing more is read for a queue that holds as much */
  WINDOW = 256 * 1024,     /* bytes of a standard stream under way, in either direction */
  MESSAGE_MAX = 64 + WINDOW,
  END_GRACE = 1000,        /* for an executor whose controller has gone, in ms */
  LINGER = 5000            /* for a controller to close its stream, in ms */
};

static bool is_supervised;

struct supervisor {
  int input, output; /* the controller's stream */
  struct child child;
  bool child_ended, end_told, controller_ended, controller_lost;
  int child_status;
  uint64_t deadline;           /* in ms; of an executor whose controller has gone */
  struct queue to_controller;  /* whole frames */
  struct queue from_child;     /* the frame that is not complete */
  struct queue incoming;       /* a header or message that is not complete */
  uint64_t passing;            /* bytes still to come of a frame for the executor */
  struct queue to_child;
  struct queue to_program;
  bool input_ends;             /* behind what is in to_program */
  size_t under_way[3];         /* bytes of each output that the controller has not taken */
};

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static bool would_wait(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

static void close_stream(struct supervisor *self, int fd) {
  if (self->child.streams[fd] >= 0) close(self->child.streams[fd]);
  self->child.streams[fd] = -1;
}

static void close_child_stream(struct supervisor *self) {
  if (self->child.stream >= 0) close(self->child.stream);
  self->child.stream = -1;
  queue_drop(&self->to_child, queue_size(&self->to_child));
}

/* Nobody listens any more. The executor ends as its stream does; what has hung itself on the program's process group goes with it. */
static void lose_controller(struct supervisor *self) {
  self->controller_lost = true;
  queue_drop(&self->to_controller, queue_size(&self->to_controller));
  if (self->controller_ended) return;
  self->controller_ended = true;
  self->deadline = now() + END_GRACE;
}

static void broken(struct supervisor *self, const char *sentence) {
  complain("%s", sentence);
  lose_controller(self);
}

static void take_signal(struct supervisor *self, uint32_t number, bool group) {
  if (self->child_ended || number == 0 || number >= NSIG) return;
  if (group) kill(-self->child.pid, (int)number);
  else kill(self->child.pid, (int)number);
}

/* A whole message of the controller's. */
static void take_message(struct supervisor *self, enum supervisor_message message, struct sps_reader *reader) {
  uint32_t fd;
  uint64_t count;
  struct span bytes;
  switch (message) {
    case MESSAGE_INPUT:
      bytes = sps_read_bytes(reader);
      if (bytes.size == 0) self->input_ends = true;
      if (self->child.streams[STDIN_FILENO] < 0 || self->input_ends) return;
      if (bytes.size + queue_size(&self->to_program) > WINDOW) broken(self, "the controller sent more standard input than it was allowed to");
      else queue_append(&self->to_program, bytes.data, bytes.size);
      return;
    case MESSAGE_TAKEN:
      fd = sps_read_u32(reader);
      count = sps_read_u64(reader);
      if (fd == 0 || fd > STDERR_FILENO || count > self->under_way[fd]) broken(self, "the controller has taken more output than it was sent");
      else self->under_way[fd] -= count;
      return;
    case MESSAGE_CLOSED:
      fd = sps_read_u32(reader);
      if (fd == STDOUT_FILENO || fd == STDERR_FILENO) close_stream(self, (int)fd);
      return;
    case MESSAGE_SIGNAL:
      fd = sps_read_u32(reader);
      take_signal(self, fd, sps_read_bool(reader));
      return;
    default:
      return; /* the others go the other way only */
  }
}

/* The frame in `incoming` has its header: it is for the executor, or a message for us that must be complete first. */
static enum supervisor_message incoming_message(const struct supervisor *self) {
  uint64_t header[FRAME_HEADER_SIZE / sizeof(uint64_t)];
  memcpy(header, queue_first(&self->incoming), sizeof header);
  return header[1] == OPCODE_CALL && header[2] == 0 ? message_of(header[3]) : MESSAGES;
}

/* True when `incoming` has become empty: passed on, or taken as a message. */
static void take_header_or_message(struct supervisor *self) {
  uint64_t missing;
  size_t have = queue_size(&self->incoming);
  bool possible = frame_missing(&self->incoming, &missing);
  if (possible && have < FRAME_HEADER_SIZE) return;
  enum supervisor_message message = possible ? incoming_message(self) : MESSAGES;
  if (message == MESSAGES) {
    /* What is no frame is refused by the executor, in its own words. */
    if (self->child.stream >= 0) queue_append(&self->to_child, queue_first(&self->incoming), have);
    self->passing = possible ? missing : UINT64_MAX;
  } else if (have + missing > MESSAGE_MAX) {
    broken(self, "the controller sent a message to the supervisor that is larger than any");
  } else if (missing > 0) {
    return;
  } else {
    struct sps_reader reader = sps_reader_of(queue_first(&self->incoming) + FRAME_HEADER_SIZE, have - FRAME_HEADER_SIZE);
    take_message(self, message, &reader);
    if (reader.failed) broken(self, "the controller sent a message to the supervisor that is too short");
  }
  queue_drop(&self->incoming, have);
}

static void take_from_controller(struct supervisor *self, const uint8_t *data, size_t size) {
  while (size > 0) {
    uint64_t part = self->passing;
    if (part > 0) {
      if (part > size) part = size;
      if (self->child.stream >= 0) queue_append(&self->to_child, data, part);
      if (self->passing != UINT64_MAX) self->passing -= part;
    } else {
      frame_missing(&self->incoming, &part);
      if (part > size) part = size;
      queue_append(&self->incoming, data, part);
      take_header_or_message(self);
    }
    data += part;
    size -= part;
  }
}

static void read_controller(struct supervisor *self) {
  uint8_t chunk[CHUNK];
  ssize_t count = read(self->input, chunk, sizeof chunk);
  if (count > 0) {
    take_from_controller(self, chunk, (size_t)count);
    return;
  }
  if (count < 0 && would_wait()) return;
  if (count < 0) {
    lose_controller(self);
  } else {
    self->controller_ended = true;
    self->deadline = now() + END_GRACE;
  }
}

static void write_controller(struct supervisor *self) {
  if (self->controller_lost) {
    queue_drop(&self->to_controller, queue_size(&self->to_controller));
    return;
  }
  ssize_t count = write(self->output, queue_first(&self->to_controller), queue_size(&self->to_controller));
  if (count >= 0) queue_drop(&self->to_controller, (size_t)count);
  else if (!would_wait()) lose_controller(self);
}

/* One frame at most, so that what is to be put in between finds a place. */
static void read_child(struct supervisor *self) {
  uint8_t chunk[CHUNK];
  uint64_t missing;
  frame_missing(&self->from_child, &missing);
  ssize_t count = recv(self->child.stream, chunk, missing < sizeof chunk ? missing : sizeof chunk, MSG_DONTWAIT);
  if (count < 0 && would_wait() && !self->child_ended) return;
  if (count <= 0) {
    /* Half a frame of an executor that was killed is of no use to anybody. */
    close_child_stream(self);
    return;
  }
  queue_append(&self->from_child, chunk, (size_t)count);
  if (!frame_missing(&self->from_child, &missing)) {
    complain("the executor sent a frame whose size cannot be: its memory is damaged");
    kill(self->child.pid, SIGKILL);
    close_child_stream(self);
  } else if (missing == 0) {
    queue_append(&self->to_controller, queue_first(&self->from_child), queue_size(&self->from_child));
    queue_drop(&self->from_child, queue_size(&self->from_child));
  }
}

static void write_child(struct supervisor *self) {
  size_t size = queue_size(&self->to_child);
  ssize_t count = send(self->child.stream, queue_first(&self->to_child), size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count >= 0) queue_drop(&self->to_child, (size_t)count);
  /* It may have sent something before it went: that is still to be read. */
  else if (!would_wait()) queue_drop(&self->to_child, size);
}

static void read_output(struct supervisor *self, int fd) {
  uint8_t chunk[CHUNK];
  ssize_t count = read(self->child.streams[fd], chunk, sizeof chunk);
  if (count > 0) {
    send_output(&self->to_controller, (uint32_t)fd, chunk, (size_t)count);
    self->under_way[fd] += (size_t)count;
  } else if (count == 0 || !would_wait() || self->child_ended) {
    /* What others still hold the pipe may write is none of the program's output. */
    close_stream(self, fd);
  }
}

static void write_input(struct supervisor *self) {
  size_t size = queue_size(&self->to_program);
  ssize_t count = size ? write(self->child.streams[STDIN_FILENO], queue_first(&self->to_program), size) : 0;
  if (count < 0 && would_wait()) return;
  if (count < 0) {
    queue_drop(&self->to_program, size);
    close_stream(self, STDIN_FILENO);
    send_closed(&self->to_controller, STDIN_FILENO);
    return;
  }
  queue_drop(&self->to_program, (size_t)count);
  if (count > 0) send_taken(&self->to_controller, STDIN_FILENO, (size_t)count);
  if (queue_size(&self->to_program) == 0 && self->input_ends) close_stream(self, STDIN_FILENO);
}

static void notice_end(struct supervisor *self) {
  char ignored[1024];
  while (read(self->child.signals, ignored, sizeof ignored) > 0) continue;
  siginfo_t end = {0};
  if (waitid(P_PID, (id_t)self->child.pid, &end, WEXITED | WNOHANG | WNOWAIT) < 0 || end.si_pid == 0) return;
  /* As long as it has not been waited for, the number is its own. */
  if (self->controller_ended) kill(-self->child.pid, SIGKILL);
  waitpid(self->child.pid, &self->child_status, 0);
  self->child_ended = true;
  close_stream(self, STDIN_FILENO);
}

enum { CONTROLLER_IN, CONTROLLER_OUT, CHILD, STREAMS, SIGNALS = STREAMS + 3, ALL };

static void choose_events(const struct supervisor *self, struct pollfd *polled) {
  bool room = queue_size(&self->to_controller) < QUEUED;
  for (int i = 0; i < ALL; i++) polled[i] = (struct pollfd){-1, 0, 0};
  if (!self->controller_ended && queue_size(&self->to_child) < QUEUED) polled[CONTROLLER_IN] = (struct pollfd){self->input, POLLIN, 0};
  if (!self->controller_lost) polled[CONTROLLER_OUT] = (struct pollfd){self->output, queue_size(&self->to_controller) ? POLLOUT : 0, 0};
  short child = (short)((room ? POLLIN : 0) | (queue_size(&self->to_child) ? POLLOUT : 0));
  if (child) polled[CHILD] = (struct pollfd){self->child.stream, child, 0};
  if (queue_size(&self->to_program) || self->input_ends) {
    polled[STREAMS + STDIN_FILENO] = (struct pollfd){self->child.streams[STDIN_FILENO], POLLOUT, 0};
  }
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
    bool window = self->controller_ended || self->under_way[fd] < WINDOW;
    if (room && window) polled[STREAMS + fd] = (struct pollfd){self->child.streams[fd], POLLIN, 0};
  }
  if (!self->child_ended) polled[SIGNALS] = (struct pollfd){self->child.signals, POLLIN, 0};
}

/* What is left of an executor that has ended: poll(2) does not say when a pipe that others hold is empty. */
static void drain(struct supervisor *self) {
  if (!self->child_ended) return;
  if (self->child.stream >= 0 && queue_size(&self->to_controller) < QUEUED) read_child(self);
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
    bool window = self->controller_ended || self->under_way[fd] < WINDOW;
    if (self->child.streams[fd] >= 0 && window && queue_size(&self->to_controller) < QUEUED) read_output(self, fd);
  }
  bool empty = self->child.stream < 0 && self->child.streams[STDOUT_FILENO] < 0 && self->child.streams[STDERR_FILENO] < 0;
  if (!empty || self->end_told) return;
  send_process_end(&self->to_controller, self->child_status);
  self->end_told = true;
}

/* Whether drain has more to do that nobody will wake us up for. */
static bool drains(const struct supervisor *self) {
  if (!self->child_ended || self->end_told || queue_size(&self->to_controller) >= QUEUED) return false;
  if (self->child.stream >= 0) return true;
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
    if (self->child.streams[fd] >= 0 && (self->controller_ended || self->under_way[fd] < WINDOW)) return true;
  }
  return self->child.streams[STDOUT_FILENO] < 0 && self->child.streams[STDERR_FILENO] < 0;
}

static int patience(const struct supervisor *self) {
  if (drains(self)) return 0;
  if (!self->controller_ended || self->child_ended) return -1;
  uint64_t time = now();
  return self->deadline > time ? (int)(self->deadline - time) : 0;
}

static void end_child_without_controller(struct supervisor *self) {
  if (!self->controller_ended || self->child_ended) return;
  /* It ends by itself when its stream does, a running program included. */
  if (queue_size(&self->to_child) == 0 && self->child.stream >= 0) shutdown(self->child.stream, SHUT_WR);
  if (now() < self->deadline) return;
  kill(-self->child.pid, SIGKILL);
  kill(self->child.pid, SIGKILL);
}

static void one_round(struct supervisor *self) {
  struct pollfd polled[ALL];
  choose_events(self, polled);
  if (poll(polled, ALL, patience(self)) < 0 && errno != EINTR) give_up("waiting failed: %s", strerror(errno));
  if (polled[SIGNALS].revents) notice_end(self);
  if (polled[CONTROLLER_IN].revents) read_controller(self);
  if (polled[STREAMS].revents && self->child.streams[STDIN_FILENO] >= 0) write_input(self);
  if (polled[CHILD].revents && self->child.stream >= 0) {
    if (queue_size(&self->to_child)) write_child(self);
    if (queue_size(&self->to_controller) < QUEUED) read_child(self);
  }
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
    if (polled[STREAMS + fd].revents && self->child.streams[fd] >= 0) read_output(self, fd);
  }
  drain(self);
  if (queue_size(&self->to_controller)) write_controller(self);
  else if (polled[CONTROLLER_OUT].revents & (POLLERR | POLLHUP | POLLNVAL)) lose_controller(self);
  end_child_without_controller(self);
}

/* All has been said. Closing a socket with something unread in it would take away what the controller has not read yet. */
static void leave(struct supervisor *self) {
  uint8_t ignored[CHUNK];
  uint64_t end = now() + LINGER;
  if (self->controller_lost) _exit(0);
  if (shutdown(self->output, SHUT_WR) < 0) close(self->output);
  while (!self->controller_ended && now() < end) {
    struct pollfd polled = {self->input, POLLIN, 0};
    if (poll(&polled, 1, (int)(end - now())) <= 0) continue;
    ssize_t count = read(self->input, ignored, sizeof ignored);
    if (count == 0 || (count < 0 && !would_wait())) break;
  }
  _exit(0);
}

static void do_not_wait(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) give_up("descriptor %d: %s", fd, strerror(errno));
}

void supervise(struct options *options) {
  struct supervisor self = {.input = options->input, .output = options->output};
  is_supervised = true;
  if (child_start(options, &self.child)) return;
  signal(SIGPIPE, SIG_IGN);
  do_not_wait(self.input);
  do_not_wait(self.output);
  for (int fd = 0; fd < 3; fd++) do_not_wait(self.child.streams[fd]);
  while (!self.end_told || queue_size(&self.to_controller)) one_round(&self);
  leave(&self);
}

const struct supervisor_tag *supervisor_tags(size_t *count) {
  *count = is_supervised ? MESSAGES : 0;
  return supervisor_message_names();
}
