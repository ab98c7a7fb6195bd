// Names and numbers of the System V gABI (chapters 4 and 5), of the x86-64 psABI and, for symbol versions, of the Linux
// Standard Base, as their documents spell them; sizes in bytes.

export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const EV_CURRENT = 1;
export const EHDR_SIZE = 64;
export const SHDR_SIZE = 64;
export const SYM_SIZE = 24;
export const RELA_SIZE = 24;
export const PHDR_SIZE = 56;
export const DYN_SIZE = 16;

export const ET_REL = 1;
export const ET_DYN = 3;
export const EM_X86_64 = 62;

export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;
export const SHN_X86_64_LCOMMON = 0xff02;
export const SHN_ABS = 0xfff1;
export const SHN_COMMON = 0xfff2;
export const SHN_XINDEX = 0xffff;

export const SHT_NULL = 0;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHT_INIT_ARRAY = 14;
export const SHT_FINI_ARRAY = 15;
export const SHT_PREINIT_ARRAY = 16;
export const SHT_GROUP = 17;
export const SHT_SYMTAB_SHNDX = 18;
/** Compact relocations, as LLVM 19 and later write them with `--crel`. */
export const SHT_CREL = 0x4000_0014;
export const SHT_X86_64_UNWIND = 0x7000_0001;

export const SHF_WRITE = 0x1;
export const SHF_ALLOC = 0x2;
export const SHF_EXECINSTR = 0x4;
export const SHF_INFO_LINK = 0x40;
export const SHF_LINK_ORDER = 0x80;
export const SHF_TLS = 0x400;
export const SHF_COMPRESSED = 0x800;
export const SHF_X86_64_LARGE = 0x1000_0000;
export const SHF_EXCLUDE = 0x8000_0000;

export const GRP_COMDAT = 1;

export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const STB_WEAK = 2;
export const STB_GNU_UNIQUE = 10;

export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STT_FILE = 4;
export const STT_COMMON = 5;
export const STT_TLS = 6;
export const STT_GNU_IFUNC = 10;

export const STV_DEFAULT = 0;
export const STV_INTERNAL = 1;
export const STV_HIDDEN = 2;
export const STV_PROTECTED = 3;

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_TLS = 7;
export const PT_GNU_EH_FRAME = 0x6474_e550;
export const PT_GNU_STACK = 0x6474_e551;
export const PT_GNU_RELRO = 0x6474_e552;

export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

export const DT_NULL = 0;
export const DT_NEEDED = 1;
export const DT_HASH = 4;
export const DT_STRTAB = 5;
export const DT_SYMTAB = 6;
export const DT_RELA = 7;
export const DT_RELASZ = 8;
export const DT_RELAENT = 9;
export const DT_RELACOUNT = 0x6fff_fff9;
export const DT_STRSZ = 10;
export const DT_SYMENT = 11;
export const DT_SONAME = 14;
export const DT_INIT = 12;
export const DT_FLAGS = 30;
export const DT_RELRSZ = 35;
export const DT_RELR = 36;
export const DT_GNU_HASH = 0x6fff_fef5;
export const DT_VERSYM = 0x6fff_fff0;
export const DT_FLAGS_1 = 0x6fff_fffb;
/** DT_FLAGS_1: its initializer runs before those of all objects that are loaded with it. */
export const DF_1_INITFIRST = 0x20;
export const DT_VERDEF = 0x6fff_fffc;
export const DT_VERDEFNUM = 0x6fff_fffd;
export const DF_STATIC_TLS = 0x10;
export const DF_1_PIE = 0x0800_0000;

/** A version number's flag: the symbol is not the default for its name (`name@VERSION`). */
export const VERSYM_HIDDEN = 0x8000;
/** The version number of symbols without a version; higher ones are versions. */
export const VER_NDX_GLOBAL = 1;
/** The version table's own entry for the library's name; not a version of symbols. */
export const VER_FLG_BASE = 1;
