/* Exception-handling frames of linked code, registered with libgcc's unwinder. */
#ifndef SLABLINK_EH_FRAME_H
#define SLABLINK_EH_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/* True once libgcc_s is loaded: registration then takes no loader lock. */
bool eh_frames_ready(void);

/* Deregisters what starts in [start, end), before that memory goes away. */
void eh_frames_forget(uint64_t start, uint64_t end);

/* The address that LLVM's run-time library gets for one of libgcc's two names, or 0. */
uint64_t eh_frames_function_for_llvm(const char *name);

#endif
