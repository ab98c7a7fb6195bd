// For both compilers.

/** Bytes of a stub: `jmp *slot(%rip)`, padded with a two-byte no-operation. It is how near code reaches a far function. */
export const STUB_SIZE = 8;
