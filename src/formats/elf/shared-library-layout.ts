/**
 * The few ELF64 constants that a reader of shared objects needs, by the generic ABI's own names.
 * Specification: System V gABI 4.1, chapters 4 and 5; the x86-64 psABI for the relocation types; the LSB for versions.
 */
export const EHDR_SIZE = 64;
export const PHDR_SIZE = 56;
export const SYM_SIZE = 24;
export const DYN_SIZE = 16;
export const RELA_SIZE = 24;

export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ET_DYN = 3;
export const EM_X86_64 = 62;

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_GNU_RELRO = 0x6474e552;
export const PF_W = 2;

export const DT_NULL = 0;
export const DT_NEEDED = 1;
export const DT_HASH = 4;
export const DT_STRTAB = 5;
export const DT_SYMTAB = 6;
export const DT_RELA = 7;
export const DT_RELASZ = 8;
export const DT_RELAENT = 9;
export const DT_STRSZ = 10;
export const DT_SYMENT = 11;
export const DT_SONAME = 14;
export const DT_RELRSZ = 35;
export const DT_RELR = 36;
export const DT_GNU_HASH = 0x6ffffef5;
export const DT_VERSYM = 0x6ffffff0;
export const DT_FLAGS_1 = 0x6ffffffb;
export const DT_VERDEF = 0x6ffffffc;
export const DT_VERDEFNUM = 0x6ffffffd;
export const DF_1_PIE = 0x08000000;

export const SHN_UNDEF = 0;
export const STB_LOCAL = 0;
export const SHT_DYNSYM = 11;
export const R_X86_64_RELATIVE = 8;

/** A version number's flag: the symbol is not the default for its name (`name@VERSION`). */
export const VERSYM_HIDDEN = 0x8000;
/** The version table's own entry for the library's name; not a version of symbols. */
export const VER_FLG_BASE = 1;
