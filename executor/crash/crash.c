/* The handler of the signals that end a program which has crashed. It sends the controller one frame: the signal, the registers, a
   copy of the stack, and what is mapped where; to find names in all that is the controller's work. Then the process dies as it would
   have: the default action is put back and the same signal is queued again, so that a core dump shows the place of the crash.

   It runs in a process that may have broken anything: no allocation, no lock that is waited for without end, and memory is read
   through the kernel, which reports a bad address. */
#include "crash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "crash_maps.h"
#include "frame.h"
#include "session.h"

enum {
  HANDLER_STACK = 64 * 1024, /* what language run-time systems give theirs, some of which take over one that is there */
  STACK_COPY = 512 * 1024,
  OUTER_STACK_COPY = 64 * 1024,
  MAPS_COPY = 512 * 1024,
  RED_ZONE = 128, /* below the stack pointer a leaf function may keep data, psABI 3.2.2 */
  SEND_MILLISECONDS = 2000
};

/* General registers by their DWARF numbers (psABI figure 3.36), the instruction pointer last. */
enum { REGISTERS = 17, STACK_POINTER = 7, INSTRUCTION_POINTER = 16 };

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
enum { SIGNALS = sizeof signals / sizeof *signals };

bool crash_is_on;
char crash_report;

static char main_stack[HANDLER_STACK] __attribute__((aligned(16)));
static uint8_t stack_copy[STACK_COPY];
static uint8_t outer_stack_copy[OUTER_STACK_COPY];
static char maps_copy[MAPS_COPY];
static atomic_flag reporting = ATOMIC_FLAG_INIT;
static atomic_bool reported;

#if defined(__x86_64__)
static size_t read_registers(const ucontext_t *context, uint64_t registers[REGISTERS]) {
  static const int order[REGISTERS] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
                                       REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
  for (size_t i = 0; i < REGISTERS; i++) registers[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
  return REGISTERS;
}
static uint64_t trap_of(const ucontext_t *context) { return (uint64_t)context->uc_mcontext.gregs[REG_TRAPNO]; }
static uint64_t error_of(const ucontext_t *context) { return (uint64_t)context->uc_mcontext.gregs[REG_ERR]; }
/* In a handler on a stack of its own: where the stack is that it interrupted, 0 if that is not to be found. The kernel has put the
   interrupted context on the handler's stack, and into it which stack that is (struct ucontext: flags, link, stack_t). */
static uint64_t interrupted_stack(const ucontext_t *context, uint64_t sp, uint64_t copied, size_t size) {
  uint64_t start = (uintptr_t)context->uc_stack.ss_sp, stack_size = context->uc_stack.ss_size;
  if (sp < start || sp - start >= stack_size) return 0;
  for (size_t at = 0; at + sizeof(ucontext_t) <= size && copied + at < start + stack_size; at += sizeof(uint64_t)) {
    ucontext_t found;
    memcpy(&found.uc_stack, stack_copy + at + offsetof(ucontext_t, uc_stack), sizeof found.uc_stack);
    if ((uintptr_t)found.uc_stack.ss_sp != start || found.uc_stack.ss_size != stack_size) continue;
    memcpy(&found.uc_mcontext, stack_copy + at + offsetof(ucontext_t, uc_mcontext), sizeof found.uc_mcontext);
    return (uint64_t)found.uc_mcontext.gregs[REG_RSP] - RED_ZONE;
  }
  return 0;
}
#else
static uint64_t interrupted_stack(const ucontext_t *context, uint64_t sp, uint64_t copied, size_t size) {
  return (void)context, (void)sp, (void)copied, (void)size, 0;
}
/* The controller has no unwinder for it yet. */
static size_t read_registers(const ucontext_t *context, uint64_t registers[REGISTERS]) {
  (void)context, (void)registers;
  return 0;
}
static uint64_t trap_of(const ucontext_t *context) { return (void)context, 0; }
static uint64_t error_of(const ucontext_t *context) { return (void)context, 0; }
#endif

/* How many bytes from `address` on could be copied. */
static size_t copy_stack(void *into, size_t capacity, uint64_t address, uint64_t readable_end) {
  struct iovec local = {into, capacity}, remote = {(void *)(uintptr_t)address, capacity};
  ssize_t count = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  if (count >= 0) return (size_t)count;
  if (errno == EFAULT || readable_end <= address) return 0;
  /* The system call is forbidden here; what the kernel lists as readable is. */
  size_t size = readable_end - address < capacity ? readable_end - address : capacity;
  memcpy(into, (const void *)(uintptr_t)address, size);
  return size;
}

/* The payload: eight words (signal, code, process, thread, sender, address, trap, error), Sequence<u64> registers,
   Sequence<(Addr, Sequence<char>)> two pieces of stack, Sequence<char> maps. */
static void report(const siginfo_t *info, const ucontext_t *context) {
  uint64_t registers[REGISTERS];
  size_t count = read_registers(context, registers);
  uint64_t sp = count ? registers[STACK_POINTER] : 0;
  bool is_sent = info->si_code <= 0, is_fault = !is_sent && info->si_signo != SIGSYS;
  uint64_t address = is_fault ? (uintptr_t)info->si_addr : 0;
  struct crash_maps maps = {.text = maps_copy, .capacity = sizeof maps_copy, .near = address, .stack = sp};
  crash_maps_read(&maps);
  uint64_t stack = maps.readable_start > sp ? maps.readable_start : sp - RED_ZONE;
  size_t stack_size = count ? copy_stack(stack_copy, sizeof stack_copy, stack, maps.readable_end) : 0;
  if (stack_size == 0 && count) { /* it begins with a page */
    stack_size = copy_stack(stack_copy, sizeof stack_copy, stack = sp, maps.readable_end);
  }
  uint64_t outer = interrupted_stack(context, sp, stack, stack_size);
  size_t outer_size = outer ? copy_stack(outer_stack_copy, sizeof outer_stack_copy, outer, 0) : 0;
  uint64_t words[] = {(uint64_t)info->si_signo, (uint64_t)(int64_t)info->si_code, (uint64_t)getpid(), (uint64_t)gettid(),
                      is_sent ? (uint64_t)info->si_pid : 0, address, trap_of(context), error_of(context), count};
  uint64_t stack_head[] = {2, stack, stack_size}, outer_head[] = {outer, outer_size}, maps_size = maps.size;
  struct iovec parts[] = {{words, sizeof words},          {registers, count * sizeof *registers},
                          {stack_head, sizeof stack_head}, {stack_copy, stack_size},
                          {outer_head, sizeof outer_head}, {outer_stack_copy, outer_size},
                          {&maps_size, sizeof maps_size},  {maps_copy, maps.size}};
  frame_write_last(OPCODE_CALL, 0, (uintptr_t)&crash_report, parts, sizeof parts / sizeof *parts, SEND_MILLISECONDS);
}

/* A second thread that crashes meanwhile must not end the process before the first has told of itself. */
static void wait_for_report(void) {
  struct timespec pause = {.tv_nsec = 1000000};
  for (int i = 0; i < SEND_MILLISECONDS && !atomic_load(&reported); i++) nanosleep(&pause, NULL);
}

static void handle(int signal, siginfo_t *info, void *context) {
  int error = errno;
  if (!session_in_forked_child()) {
    if (!atomic_flag_test_and_set(&reporting)) {
      report(info, context);
      atomic_store(&reported, true);
    } else {
      wait_for_report();
    }
  }
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigaction(signal, &action, NULL);
  /* It is blocked until we return. Where it cannot be queued, a fault is repeated by the instruction. */
  if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal, info) != 0) syscall(SYS_tgkill, getpid(), gettid(), signal);
  errno = error;
}

struct sigaction crash_action(void) {
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  return action;
}

bool crash_is_action(const struct sigaction *action) { return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == handle; }

bool crash_reports(int signal) {
  for (size_t i = 0; i < SIGNALS; i++) {
    if (signals[i] == signal) return true;
  }
  return false;
}

stack_t crash_main_stack(void) { return (stack_t){.ss_sp = main_stack, .ss_size = sizeof main_stack}; }
bool crash_is_main_stack(const stack_t *stack) { return stack->ss_sp == main_stack; }

void crash_thread_starts(void) {
  if (!crash_is_on) return;
  void *memory = mmap(NULL, HANDLER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t stack = {.ss_sp = memory, .ss_size = HANDLER_STACK};
  sigaltstack(&stack, NULL);
}

void crash_start(void) {
  crash_is_on = true;
  stack_t stack = crash_main_stack();
  sigaltstack(&stack, NULL);
  struct sigaction action = crash_action();
  for (size_t i = 0; i < SIGNALS; i++) {
    struct sigaction before;
    /* What was ignored when the process was started is to stay so. */
    if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL) sigaction(signals[i], &action, NULL);
  }
}
