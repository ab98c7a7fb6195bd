/* Frames on the byte stream to the controller. EPC-PROTOCOL section 1. */
#ifndef SLABLINK_FRAME_H
#define SLABLINK_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { FRAME_HEADER_SIZE = 32 };

/* Larger frames are refused unread: nobody sends them on purpose. */
#define FRAME_SIZE_MAX ((uint64_t)1 << 30)

/* Answers with more are not sent: the controllers of slablink take no larger payloads. */
#define ANSWER_SIZE_MAX ((uint64_t)256 << 20)

enum opcode { OPCODE_SETUP = 0, OPCODE_HANGUP = 1, OPCODE_RESULT = 2, OPCODE_CALL = 3 };

struct frame {
  uint64_t opcode;
  uint64_t sequence;
  uint64_t tag;
  uint8_t *payload; /* malloc'ed */
  size_t payload_size;
  uint64_t arrived; /* when its header was there, for the trace */
};

enum frame_status { FRAME_READ, FRAME_END, FRAME_BROKEN };

/* Takes over the two descriptors (they may be equal). */
void frame_start(int input, int output);

/* Only for the reader thread. FRAME_END: the stream ended between two frames. FRAME_BROKEN: `sentence` says how. */
enum frame_status frame_read(struct frame *frame, char *sentence, size_t sentence_size);

/* Any thread; frames never interleave. 0, or the errno of the failed write. */
int frame_write(enum opcode opcode, uint64_t sequence, uint64_t tag, const void *payload, size_t size);

/* For a signal handler in a process that ends: neither the lock nor a peer that does not read is waited for beyond the limit; then the
   frame is not sent, or not whole. */
void frame_write_last(enum opcode opcode, uint64_t sequence, uint64_t tag, const struct iovec *parts, int count, unsigned milliseconds);

/* LLVM's controllers, up to 22, end a session by closing their descriptors while a thread of theirs reads. Over pipes this ends the
   stream; a socket both ways stays open until that read returns, and the two sides would wait for each other for ever. So an
   executor that has nothing to do wakes the reader: by the next byte of a call to no function, which a controller that is
   still there answers with nothing (EPC-PROTOCOL section 9, 2). */

/* Reader thread: waits for bytes from a controller over one socket, for so many milliseconds at most; true if there are any. Over
   other streams true at once. */
bool frame_wait(int milliseconds);
/* Sends that byte. The next frame finds what is left of the call in front of it. */
void frame_nudge(void);
/* True for the answer to such a call, once for each. */
bool frame_answers_nudge(const struct frame *frame);

/* Tells the controller why the session ends (Hangup), if it takes that within 0.2 s: somebody may hold the stream in the
   middle of a frame, or nobody read at the other end. For the last thing before the end of the process. */
void frame_hang_up(const char *reason);

/* Locks around fork(), and the child's part: it must not hold or touch the stream. */
void frame_before_fork(void);
void frame_after_fork_in_parent(void);
void frame_after_fork_in_child(void);

#endif
