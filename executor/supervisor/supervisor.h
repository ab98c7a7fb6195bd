/* An executor whose controller neither started it nor shares its standard streams: a process of ours stands between. It passes the
   frames on, carries the program's standard streams beside them, hands it signals, and says how it ended. docs/protocol.md,
   "Supervised executors". */
#ifndef SLABLINK_SUPERVISOR_H
#define SLABLINK_SUPERVISOR_H

#include <stddef.h>

#include "options.h"

/* Before any thread exists. Returns in the executor, a new process, whose options then name its stream to the supervisor; the
   calling process is the supervisor and ends here. */
void supervise(struct options *options);

/* Names of messages between supervisor and controller, for Setup; none in an executor that has no supervisor. */
struct supervisor_tag {
  const char *name;
  const char *address;
};
const struct supervisor_tag *supervisor_tags(size_t *count);

#endif
