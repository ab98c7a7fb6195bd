/* What write-code-cache.mjs lets the command line link: a little of everything that programs commonly ask of a linker, so that the
   functions which do it are among those whose compiled code is kept. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ; /* data of the C library */
__attribute__((weak)) int nobody_has_this(void);
static int common[4];
static _Thread_local int of_this_thread = 1;
static const char *const names[] = {"one", "two", "three"}; /* words with addresses */
static int (*const functions[])(const char *) = {atoi};

__attribute__((constructor)) static void begin(void) { common[1] = functions[0]("42"); }

static void end(void) { fputs(names[of_this_thread % 3], stderr); } /* a copy of a variable, or the GOT */

/* Twice: once as the compiler likes it, once position-independent. */
int FUNCTION(int count) {
  unsigned __int128 wide = (unsigned __int128)strlen(names[0]) << 70;
  errno = nobody_has_this ? nobody_has_this() : 0;
  of_this_thread += count;
  atexit(end);                                         /* from an archive of the C library */
  common[2] = (int)(wide / (unsigned)(of_this_thread + 1)); /* from the compiler's archive */
  return cos(count) > 2 || environ == NULL || common[1] != 42; /* a shared library's */
}

#ifdef MAIN
int MAIN(int);
int main(int argc, char **argv) { return FUNCTION(argc) + MAIN(argc) + (argv[0] == NULL); }
#endif
