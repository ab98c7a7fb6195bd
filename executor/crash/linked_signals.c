/* sigaction, signal and sigaltstack for linked code, in an executor that reports crashes: its handler stands where a program expects
   the default action. Here it is the default action: a program that asks sees SIG_DFL, and one that sets SIG_DFL is reported.
   Each is one call of the C library's, as safe in a handler as that is. */
#include "linked_signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "crash.h"

typedef void (*handler)(int);

static void hide(struct sigaction *action) {
  if (crash_is_action(action)) *action = (struct sigaction){.sa_handler = SIG_DFL};
}

static bool is_default(const struct sigaction *action) { return action->sa_handler == SIG_DFL; }

static int linked_sigaction(int signal, const struct sigaction *action, struct sigaction *before) {
  struct sigaction ours = crash_action();
  int result = sigaction(signal, action && is_default(action) && crash_reports(signal) ? &ours : action, before);
  if (result == 0 && before) hide(before);
  return result;
}

static handler set_default(int signal) {
  struct sigaction action = {.sa_handler = SIG_DFL}, before;
  return linked_sigaction(signal, &action, &before) == 0 ? before.sa_handler : SIG_ERR;
}

/* `set` with any handler but the default one. */
static handler set_handler(int signal, handler wanted, handler (*set)(int, handler)) {
  struct sigaction ours = crash_action();
  if (wanted == SIG_DFL && crash_reports(signal)) return set_default(signal);
  handler before = set(signal, wanted);
  return before == ours.sa_handler ? SIG_DFL : before;
}

static handler linked_signal(int number, handler wanted) { return set_handler(number, wanted, signal); }
static handler linked_sysv_signal(int number, handler wanted) { return set_handler(number, wanted, sysv_signal); }

/* A program without such a stack of its own has none, as far as it knows. */
static int linked_sigaltstack(const stack_t *stack, stack_t *before) {
  stack_t seen;
  int result = sigaltstack(stack, &seen);
  if (result != 0) return result;
  bool was_ours = crash_is_main_stack(&seen);
  if (before) *before = was_ours ? (stack_t){.ss_flags = SS_DISABLE} : seen;
  return 0;
}

static const struct {
  const char *name;
  uintptr_t address;
} functions[] = {
    {"sigaction", (uintptr_t)linked_sigaction},     {"__sigaction", (uintptr_t)linked_sigaction},
    {"signal", (uintptr_t)linked_signal},           {"bsd_signal", (uintptr_t)linked_signal},
    {"ssignal", (uintptr_t)linked_signal},          {"sysv_signal", (uintptr_t)linked_sysv_signal},
    {"__sysv_signal", (uintptr_t)linked_sysv_signal}, {"sigaltstack", (uintptr_t)linked_sigaltstack},
};

uint64_t signal_function_for_linked_code(const char *name) {
  if (!crash_is_on) return 0;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    if (strcmp(functions[i].name, name) == 0) return functions[i].address;
  }
  return 0;
}
