#include "frame.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "services/failure.h"
#include "trace.h"

static int input_fd = -1;
static int output_fd = -1;
static bool output_is_socket;
static pthread_mutex_t write_lock = PTHREAD_MUTEX_INITIALIZER;
/* Holds the lock, and is not in the middle of a frame; 0: none. */
static _Atomic pid_t forking_thread;

/* The sequence number is beyond any that a call of linked code can get. */
static const uint64_t nudge[FRAME_HEADER_SIZE / sizeof(uint64_t)] = {FRAME_HEADER_SIZE, OPCODE_CALL, UINT64_MAX - 1, 0};
static size_t nudge_sent; /* bytes of the one that is under way; 0: none is */
static unsigned nudges_unanswered;

/* One read usually brings a whole small frame, or several. */
static uint8_t buffer[64 * 1024];
static size_t buffer_start;
static size_t buffer_end;

void frame_start(int input, int output) {
  input_fd = input;
  output_fd = output;
  int type;
  socklen_t size = sizeof type;
  output_is_socket = getsockopt(output, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

static void wait_for(int fd, short events) {
  struct pollfd ready = {.fd = fd, .events = events};
  poll(&ready, 1, -1);
}

/* Bytes read, 0 at the end of the stream, -1 with errno. */
static ssize_t read_some(uint8_t *into, size_t size) {
  for (;;) {
    ssize_t count = read(input_fd, into, size);
    if (count >= 0) return count;
    if (errno == EAGAIN || errno == EWOULDBLOCK) wait_for(input_fd, POLLIN);
    else if (errno == ECONNRESET) return 0; /* the peer closed with results of ours unread */
    else if (errno != EINTR) return -1;
  }
}

/* How many of `size` bytes came before the stream ended, or -1 with errno. */
static ssize_t read_fully(uint8_t *into, size_t size) {
  size_t done = buffer_end - buffer_start;
  if (done > size) done = size;
  memcpy(into, buffer + buffer_start, done);
  buffer_start += done;
  while (done < size) {
    size_t rest = size - done;
    if (rest >= sizeof buffer) {
      ssize_t count = read_some(into + done, rest);
      if (count < 0) return -1;
      if (count == 0) break;
      done += (size_t)count;
      continue;
    }
    ssize_t count = read_some(buffer, sizeof buffer);
    if (count < 0) return -1;
    if (count == 0) break;
    size_t used = (size_t)count < rest ? (size_t)count : rest;
    memcpy(into + done, buffer, used);
    buffer_start = used;
    buffer_end = (size_t)count;
    done += used;
  }
  return (ssize_t)done;
}

enum frame_status frame_read(struct frame *frame, char *sentence, size_t sentence_size) {
  uint64_t header[FRAME_HEADER_SIZE / sizeof(uint64_t)];
  ssize_t count = read_fully((uint8_t *)header, sizeof header);
  if (count == 0) return FRAME_END;
  if (count < 0) {
    snprintf(sentence, sentence_size, "reading from the controller failed: %s", strerror(errno));
    return FRAME_BROKEN;
  }
  if (count < FRAME_HEADER_SIZE) {
    snprintf(sentence, sentence_size, "the stream ended inside a frame header: %zd of %d bytes", count, FRAME_HEADER_SIZE);
    return FRAME_BROKEN;
  }
  uint64_t size = header[0];
  if (size < FRAME_HEADER_SIZE || size > FRAME_SIZE_MAX) {
    snprintf(sentence, sentence_size, "frame of %llu bytes, expected %d to %llu", (unsigned long long)size,
             FRAME_HEADER_SIZE, (unsigned long long)FRAME_SIZE_MAX);
    return FRAME_BROKEN;
  }
  *frame = (struct frame){header[1], header[2], header[3], NULL, size - FRAME_HEADER_SIZE, trace_now()};
  if (frame->opcode > OPCODE_CALL) {
    snprintf(sentence, sentence_size, "frame with opcode %llu, expected 0 to %d", (unsigned long long)frame->opcode, OPCODE_CALL);
    return FRAME_BROKEN;
  }
  frame->payload = allocate(frame->payload_size);
  count = read_fully(frame->payload, frame->payload_size);
  if (count == (ssize_t)frame->payload_size) return FRAME_READ;
  free(frame->payload);
  if (count < 0) snprintf(sentence, sentence_size, "reading from the controller failed: %s", strerror(errno));
  else snprintf(sentence, sentence_size, "the stream ended inside a frame: %zd of %zu payload bytes", count, frame->payload_size);
  return FRAME_BROKEN;
}

static int write_parts(struct iovec *parts, int count) {
  while (count > 0) {
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    ssize_t written = output_is_socket ? sendmsg(output_fd, &message, MSG_NOSIGNAL) : writev(output_fd, parts, count);
    if (written < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) wait_for(output_fd, POLLOUT);
      else if (errno != EINTR) return errno;
      continue;
    }
    size_t done = (size_t)written;
    while (count > 0 && done >= parts->iov_len) {
      done -= parts->iov_len;
      parts++;
      count--;
    }
    if (count > 0) {
      parts->iov_base = (uint8_t *)parts->iov_base + done;
      parts->iov_len -= done;
    }
  }
  return 0;
}

/* A pipe has no MSG_NOSIGNAL, and the program's own SIGPIPE disposition must stay: block the signal in this thread
   and take back the one that the write raised. */
static int write_parts_to_pipe(struct iovec *parts, int count) {
  sigset_t pipe_signal, before, pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  int error = write_parts(parts, count);
  if (error == EPIPE && !sigismember(&pending, SIGPIPE)) {
    struct timespec now = {0};
    while (sigtimedwait(&pipe_signal, NULL, &now) < 0 && errno == EINTR) continue;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

/* Locked. Puts what is left of the nudge under way, if one is, into a list of parts; returns how many parts that are. */
static int take_rest_of_nudge(struct iovec *part) {
  if (nudge_sent == 0) return 0;
  *part = (struct iovec){(uint8_t *)(uintptr_t)nudge + nudge_sent, FRAME_HEADER_SIZE - nudge_sent};
  nudge_sent = 0;
  nudges_unanswered++;
  return 1;
}

int frame_write(enum opcode opcode, uint64_t sequence, uint64_t tag, const void *payload, size_t size) {
  uint64_t header[] = {FRAME_HEADER_SIZE + size, opcode, sequence, tag};
  struct iovec parts[3];
  pthread_mutex_lock(&write_lock);
  int count = take_rest_of_nudge(parts);
  parts[count++] = (struct iovec){header, sizeof header};
  if (size) parts[count++] = (struct iovec){(void *)(uintptr_t)payload, size};
  int error = output_is_socket ? write_parts(parts, count) : write_parts_to_pipe(parts, count);
  pthread_mutex_unlock(&write_lock);
  return error;
}

static int64_t now_in_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What a pipe takes without blocking once poll() says that there is room (pipe(7)). */
static ssize_t write_without_waiting(const uint8_t *data, size_t size) {
  if (output_is_socket) return send(output_fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  return write(output_fd, data, size < PIPE_BUF ? size : PIPE_BUF);
}

static bool write_until(int64_t deadline, const uint8_t *data, size_t size) {
  while (size > 0) {
    int64_t left = deadline - now_in_milliseconds();
    struct pollfd room = {.fd = output_fd, .events = POLLOUT};
    if (left <= 0) return false;
    if (poll(&room, 1, (int)left) <= 0) continue;
    ssize_t written = write_without_waiting(data, size);
    if (written < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return false;
    if (written > 0) {
      data += written;
      size -= (size_t)written;
    }
  }
  return true;
}

void frame_write_last(enum opcode opcode, uint64_t sequence, uint64_t tag, const struct iovec *parts, int count, unsigned milliseconds) {
  int64_t deadline = now_in_milliseconds() + milliseconds;
  struct timespec pause = {.tv_nsec = 1000000};
  while (atomic_load(&forking_thread) != gettid() && pthread_mutex_trylock(&write_lock) != 0) {
    if (now_in_milliseconds() >= deadline) return;
    nanosleep(&pause, NULL);
  }
  uint64_t header[] = {FRAME_HEADER_SIZE, opcode, sequence, tag};
  for (int i = 0; i < count; i++) header[0] += parts[i].iov_len;
  struct iovec rest;
  bool has_rest = take_rest_of_nudge(&rest) != 0;
  /* All signals are blocked here: the SIGPIPE of a pipe nobody reads stays pending, and is taken back. */
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  bool written = (!has_rest || write_until(deadline, rest.iov_base, rest.iov_len)) &&
                 write_until(deadline, (const uint8_t *)header, sizeof header);
  for (int i = 0; i < count && written; i++) written = write_until(deadline, parts[i].iov_base, parts[i].iov_len);
  struct timespec at_once = {0};
  if (!written && !output_is_socket) sigtimedwait(&pipe_signal, NULL, &at_once);
  pthread_mutex_unlock(&write_lock);
}

bool frame_wait(int milliseconds) {
  if (!output_is_socket || input_fd != output_fd || buffer_start < buffer_end) return true;
  struct pollfd ready = {.fd = input_fd, .events = POLLIN};
  return poll(&ready, 1, milliseconds) != 0;
}

void frame_nudge(void) {
  pthread_mutex_lock(&write_lock);
  struct iovec part = {(uint8_t *)(uintptr_t)nudge + nudge_sent, 1};
  if (++nudge_sent == FRAME_HEADER_SIZE) {
    nudge_sent = 0;
    nudges_unanswered++;
  }
  write_parts(&part, 1); /* the end of the stream is the reader's to see */
  pthread_mutex_unlock(&write_lock);
}

bool frame_answers_nudge(const struct frame *frame) {
  if (frame->sequence != nudge[2] || frame->tag != 0) return false;
  pthread_mutex_lock(&write_lock);
  bool expected = nudges_unanswered > 0;
  if (expected) nudges_unanswered--;
  pthread_mutex_unlock(&write_lock);
  return expected;
}

void frame_hang_up(const char *reason) {
  if (output_fd < 0) return;
  enum { PATIENCE_MILLISECONDS = 200 };
  uint8_t head[1 + sizeof(uint64_t)] = {1}; /* Error: failed, and the message */
  uint64_t length = strnlen(reason, REASON_SIZE);
  memcpy(head + 1, &length, sizeof length);
  struct iovec parts[] = {{head, sizeof head}, {(void *)(uintptr_t)reason, length}};
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
  frame_write_last(OPCODE_HANGUP, 0, 0, parts, 2, PATIENCE_MILLISECONDS);
}

void frame_before_fork(void) {
  pthread_mutex_lock(&write_lock);
  atomic_store(&forking_thread, gettid());
}
void frame_after_fork_in_parent(void) {
  atomic_store(&forking_thread, 0);
  pthread_mutex_unlock(&write_lock);
}

void frame_after_fork_in_child(void) {
  close(input_fd);
  if (output_fd != input_fd) close(output_fd);
  input_fd = output_fd = -1;
  pthread_mutex_unlock(&write_lock);
}
