/* Libraries that the host's own threads use too (the C library in both modes, the C++ library in Node's process): a function of theirs that the
   program replaces is replaced for the program's threads. A thread-local byte tells whose a thread is: 2 in those that were there before, 1 in
   those that are created while the program runs, since the image that new threads get is changed by then. */
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "interpose.h"

enum { ENTRIES = 1024, ENTRY_SIZE = 32, THE_PROGRAMS = 1, THE_HOSTS = 2 };

/* Not static: the assembly below refers to it. */
__attribute__((visibility("hidden"), tls_model("initial-exec"))) _Thread_local volatile unsigned char slablink_thread_owner = THE_HOSTS;

__attribute__((visibility("hidden"))) struct {
  uint64_t program, original;
} slablink_targets[ENTRIES];

static size_t used;

/* r11 is free at a function's entry (psABI 3.2.1). */
__asm__(".pushsection .text\n.balign 32\ndispatch_functions:\n"
        ".set number, 0\n.rept 1024\n.balign 32\n"
        "movq slablink_thread_owner@gottpoff(%rip), %r11\n"
        "cmpb $2, %fs:(%r11)\n"
        "je 1f\n"
        "jmp *slablink_targets + 16 * number(%rip)\n"
        "1: jmp *slablink_targets + 16 * number + 8(%rip)\n"
        ".set number, number + 1\n.endr\n.popsection\n");
extern const char dispatch_functions[] __attribute__((visibility("hidden")));

bool thread_is_the_programs(void) { return slablink_thread_owner != THE_HOSTS; }

uint64_t dispatch_to(const char *name, uint64_t program, uint64_t original) {
  uint64_t shim = allocator_shim(name, program, original);
  if (shim) return shim;
  size_t i = 0;
  while (i < used && (slablink_targets[i].program != program || slablink_targets[i].original != original)) i++;
  if (i == ENTRIES) return 0;
  if (i == used) {
    slablink_targets[i].program = program;
    slablink_targets[i].original = original;
    used++;
  }
  return (uintptr_t)dispatch_functions + ENTRY_SIZE * i;
}

static int set_image(struct dl_phdr_info *info, size_t size, void *owner) {
  (void)size;
  const Elf64_Phdr *tls = NULL;
  bool ours = false;
  for (unsigned i = 0; i < info->dlpi_phnum; i++) {
    const Elf64_Phdr *segment = &info->dlpi_phdr[i];
    uint64_t start = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_TLS) tls = segment;
    if (segment->p_type == PT_LOAD && (uintptr_t)slablink_targets - start < segment->p_memsz) ours = true;
  }
  if (!ours || !tls) return 0;
  unsigned char *image = (unsigned char *)(uintptr_t)(info->dlpi_addr + tls->p_vaddr);
  void *page = (void *)((uintptr_t)image & -4096ul);
  if (mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0) refuse("the image of new threads cannot be changed");
  *image = *(unsigned char *)owner;
  mprotect(page, 4096, PROT_READ);
  return 1;
}

void dispatch_begin(void) {
  unsigned char owner = THE_PROGRAMS;
  slablink_thread_owner = owner;
  dl_iterate_phdr(set_image, &owner);
}

void dispatch_end(void) {
  unsigned char owner = THE_HOSTS;
  dl_iterate_phdr(set_image, &owner);
}
