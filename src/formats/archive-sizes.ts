// For both compilers.

/** The length of the magic, `!<arch>\n` or `!<thin>\n`; the first header follows it. */
export const MAGIC_SIZE = 8;
/** The bytes before each archive member (System V `ar.h`, the same in GNU and BSD archives). */
export const HEADER_SIZE = 60;
