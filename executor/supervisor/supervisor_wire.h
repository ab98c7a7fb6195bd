/* Frames between the supervisor and the controller. */
#ifndef SLABLINK_SUPERVISOR_WIRE_H
#define SLABLINK_SUPERVISOR_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "frame.h"
#include "queue.h"
#include "supervisor.h"

/* Messages that the supervisor sends or takes: their tags are these addresses, the same in the executor that it was forked from. */
enum supervisor_message {
  MESSAGE_OUTPUT,      /* to the controller: u32 descriptor, Sequence<char> */
  MESSAGE_INPUT,       /* to the program: Sequence<char>; nothing: its end */
  MESSAGE_TAKEN,       /* either way: u32 descriptor, u64 how many bytes of it have found their place */
  MESSAGE_CLOSED,      /* either way: u32 descriptor that nobody will take anything more of */
  MESSAGE_SIGNAL,      /* to the program: u32 number, bool to its whole process group */
  MESSAGE_PROCESS_END, /* to the controller: u32 exit status, u32 signal or 0 */
  MESSAGES
};
extern const char supervisor_message_tags[MESSAGES];
const struct supervisor_tag *supervisor_message_names(void);

/* The message that a frame's tag is for, or MESSAGES. */
enum supervisor_message message_of(uint64_t tag);

void send_output(struct queue *queue, uint32_t fd, const void *data, size_t size);
void send_taken(struct queue *queue, uint32_t fd, size_t size);
void send_closed(struct queue *queue, uint32_t fd);
/* `status` as waitpid(2) gives it. */
void send_process_end(struct queue *queue, int status);

/* How many bytes are missing of the header, or of the frame once that is there; 0: the frame is complete. False: its size cannot be. */
bool frame_missing(const struct queue *frame, uint64_t *missing);

#endif
