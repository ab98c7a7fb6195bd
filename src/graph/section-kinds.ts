// The values of SectionKind (section-table.ts), for both compilers.

export const KIND_NONE = 0;
export const KIND_CODE = 1;
export const KIND_READ_ONLY = 2;
export const KIND_DATA = 3;
export const KIND_ZERO_FILL = 4;
export const KIND_TLS_DATA = 5;
export const KIND_TLS_ZERO_FILL = 6;
export const KIND_EH_FRAME = 7;
export const KIND_FUNCTION_ARRAY = 8;
export const KIND_DISCARDED = 9;
export const KIND_LARGE_ZERO_FILL = 10;
export const KIND_WRITABLE_CODE = 11;
