#include "supervisor_wire.h"

#include <string.h>
#include <sys/wait.h>

const char supervisor_message_tags[MESSAGES];

static const struct supervisor_tag names[MESSAGES] = {
    {"__slablink_stdio_output", &supervisor_message_tags[MESSAGE_OUTPUT]},
    {"__slablink_stdio_input", &supervisor_message_tags[MESSAGE_INPUT]},
    {"__slablink_stdio_taken", &supervisor_message_tags[MESSAGE_TAKEN]},
    {"__slablink_stdio_closed", &supervisor_message_tags[MESSAGE_CLOSED]},
    {"__slablink_signal", &supervisor_message_tags[MESSAGE_SIGNAL]},
    {"__slablink_process_end", &supervisor_message_tags[MESSAGE_PROCESS_END]},
};

const struct supervisor_tag *supervisor_message_names(void) { return names; }

enum supervisor_message message_of(uint64_t tag) {
  uint64_t index = tag - (uintptr_t)supervisor_message_tags;
  return index < MESSAGES ? (enum supervisor_message)index : MESSAGES;
}

static void append_header(struct queue *queue, enum supervisor_message message, size_t payload_size) {
  uint64_t header[] = {FRAME_HEADER_SIZE + payload_size, OPCODE_CALL, 0, (uintptr_t)&supervisor_message_tags[message]};
  queue_append(queue, header, sizeof header);
}

void send_output(struct queue *queue, uint32_t fd, const void *data, size_t size) {
  uint64_t count = size;
  append_header(queue, MESSAGE_OUTPUT, sizeof fd + sizeof count + size);
  queue_append(queue, &fd, sizeof fd);
  queue_append(queue, &count, sizeof count);
  queue_append(queue, data, size);
}

void send_taken(struct queue *queue, uint32_t fd, size_t size) {
  uint64_t count = size;
  append_header(queue, MESSAGE_TAKEN, sizeof fd + sizeof count);
  queue_append(queue, &fd, sizeof fd);
  queue_append(queue, &count, sizeof count);
}

void send_closed(struct queue *queue, uint32_t fd) {
  append_header(queue, MESSAGE_CLOSED, sizeof fd);
  queue_append(queue, &fd, sizeof fd);
}

void send_process_end(struct queue *queue, int status) {
  uint32_t end[] = {WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0};
  append_header(queue, MESSAGE_PROCESS_END, sizeof end);
  queue_append(queue, end, sizeof end);
}

bool frame_missing(const struct queue *frame, uint64_t *missing) {
  uint64_t have = queue_size(frame), size;
  if (have < FRAME_HEADER_SIZE) {
    *missing = FRAME_HEADER_SIZE - have;
    return true;
  }
  memcpy(&size, queue_first(frame), sizeof size);
  *missing = size - have;
  return size >= FRAME_HEADER_SIZE && size <= FRAME_SIZE_MAX;
}
