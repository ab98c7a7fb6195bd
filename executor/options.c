#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "services/descriptors.h"
#include "services/failure.h"

static void usage(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void usage(const char *format, ...) {
  char sentence[REASON_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  complain(
      "%s; usage: slablink-executor {--stdio | [supervise] filedescs=IN,OUT} [parent=PID] [slab=FD]... [tunables[=VALUE]] [preload=FD[,VALUE]] [lowheap] [trace] [crash]",
      sentence);
  exit(2);
}

/* A decimal number up to `end`, or -1. */
static long number_up_to(const char *text, char end) {
  char *rest;
  errno = 0;
  if (!isdigit((unsigned char)*text)) return -1;
  long number = strtol(text, &rest, 10);
  return errno == 0 && *rest == end && number <= 0x7fffffff ? number : -1;
}

static void check_open(const char *option, int fd) {
  if (fcntl(fd, F_GETFD) < 0) usage("%s: descriptor %d: %s", option, fd, strerror(errno));
}

static void read_descriptors(const char *option, const char *value, struct options *options) {
  const char *comma = strchr(value, ',');
  long input = comma ? number_up_to(value, ',') : -1;
  long output = comma ? number_up_to(comma + 1, '\0') : -1;
  if (input < 0 || output < 0) usage("%s, expected two descriptor numbers", option);
  options->input = (int)input;
  options->output = (int)output;
  check_open(option, options->input);
  check_open(option, options->output);
}

/* The loader has taken in the object that the controller put in front of LD_PRELOAD; the program gets neither. */
static void forget_preload(const char *option, const char *value) {
  const char *comma = strchr(value, ',');
  long fd = number_up_to(value, comma ? ',' : '\0');
  if (fd < 0) usage("%s, expected a descriptor number", option);
  check_open(option, (int)fd);
  close((int)fd);
  if (comma) setenv("LD_PRELOAD", comma + 1, 1);
  else unsetenv("LD_PRELOAD");
}

struct options options_read(int count, char **arguments) {
  struct options options = {.input = -1, .output = -1};
  for (int i = 1; i < count; i++) {
    const char *option = arguments[i];
    if (strcmp(option, "--stdio") == 0) {
      options.supervised = true;
      read_descriptors(option, "0,1", &options);
    } else if (strcmp(option, "supervise") == 0) {
      options.supervised = true;
    } else if (strncmp(option, "filedescs=", 10) == 0) {
      read_descriptors(option, option + 10, &options);
    } else if (strncmp(option, "parent=", 7) == 0) {
      long parent = number_up_to(option + 7, '\0');
      if (parent <= 0) usage("%s, expected a process id", option);
      options.parent = (pid_t)parent;
    } else if (strncmp(option, "slab=", 5) == 0) {
      /* Announced at start, an inherited descriptor is out of the program's way from the beginning. */
      long fd = number_up_to(option + 5, '\0');
      if (fd < 0) usage("%s, expected a descriptor number", option);
      check_open(option, (int)fd);
      if (descriptor_announce((int)fd) < 0) usage("%s: descriptor %ld: %s", option, fd, strerror(errno));
    } else if (strcmp(option, "tunables") == 0) {
      /* The C library has read what the controller put there; the program gets the environment without. */
      unsetenv("GLIBC_TUNABLES");
    } else if (strncmp(option, "tunables=", 9) == 0) {
      setenv("GLIBC_TUNABLES", option + 9, 1);
    } else if (strncmp(option, "preload=", 8) == 0) {
      forget_preload(option, option + 8);
    } else if (strcmp(option, "lowheap") == 0) {
      /* The kernel has laid out this process so; what the program starts is as the user had it. */
      int persona = personality(0xffffffff);
      if (persona >= 0) personality((unsigned long)persona & ~(unsigned long)ADDR_NO_RANDOMIZE);
    } else if (strcmp(option, "trace") == 0) {
      options.trace = true;
    } else if (strcmp(option, "crash") == 0) {
      options.crash = true;
    } else {
      usage("unknown argument %s", option);
    }
  }
  /* Its controller takes whatever slablink's own executors send. */
  if (options.supervised) options.crash = true;
  if (options.input < 0) usage("filedescs=IN,OUT is missing");
  return options;
}
