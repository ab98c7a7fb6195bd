// `sectionKindOf` of src/formats/elf/section-kind.ts.

import {
  SHF_ALLOC,
  SHF_EXCLUDE,
  SHF_EXECINSTR,
  SHF_TLS,
  SHF_WRITE,
  SHF_X86_64_LARGE,
  SHT_FINI_ARRAY,
  SHT_INIT_ARRAY,
  SHT_NOBITS,
  SHT_NOTE,
  SHT_PREINIT_ARRAY,
  SHT_PROGBITS,
  SHT_X86_64_UNWIND,
} from "../src/formats/elf/constants";
import {
  KIND_CODE,
  KIND_DATA,
  KIND_EH_FRAME,
  KIND_FUNCTION_ARRAY,
  KIND_LARGE_ZERO_FILL,
  KIND_NONE,
  KIND_READ_ONLY,
  KIND_TLS_DATA,
  KIND_TLS_ZERO_FILL,
  KIND_WRITABLE_CODE,
  KIND_ZERO_FILL,
} from "../src/graph/section-kinds";

/** Kind of a section by sh_type, sh_flags and the name at position `name`. */
export function sectionKindOf(type: u32, flags: u32, name: usize): i32 {
  if ((flags & SHF_ALLOC) === 0 || (flags & <u32>SHF_EXCLUDE) !== 0) return KIND_NONE;
  if ((flags & SHF_TLS) !== 0) return type === SHT_NOBITS ? KIND_TLS_ZERO_FILL : KIND_TLS_DATA;
  if ((flags & SHF_EXECINSTR) !== 0) return (flags & SHF_WRITE) !== 0 ? KIND_WRITABLE_CODE : KIND_CODE;
  if (type === SHT_INIT_ARRAY || type === SHT_FINI_ARRAY || type === SHT_PREINIT_ARRAY) return KIND_FUNCTION_ARRAY;
  if (type === SHT_X86_64_UNWIND) return isNamed(name, EH_FRAME, 9) ? KIND_EH_FRAME : KIND_READ_ONLY;
  if (type === SHT_NOTE) return isNamed(name, NOTE_GNU_PROPERTY, 18) ? KIND_NONE : KIND_READ_ONLY;
  if (type === SHT_NOBITS) return (flags & SHF_X86_64_LARGE) !== 0 ? KIND_LARGE_ZERO_FILL : KIND_ZERO_FILL;
  if (type === SHT_PROGBITS) {
    if (isNamed(name, EH_FRAME, 9)) return KIND_EH_FRAME;
    if (isFunctionArray(name)) return KIND_FUNCTION_ARRAY;
  }
  return (flags & SHF_WRITE) !== 0 ? KIND_DATA : KIND_READ_ONLY;
}

// .eh_frame
const EH_FRAME = memory.data<u8>([0x2e, 0x65, 0x68, 0x5f, 0x66, 0x72, 0x61, 0x6d, 0x65]);
// .note.gnu.property
const NOTE_GNU_PROPERTY = memory.data<u8>([
  0x2e, 0x6e, 0x6f, 0x74, 0x65, 0x2e, 0x67, 0x6e, 0x75, 0x2e, 0x70, 0x72, 0x6f, 0x70, 0x65, 0x72, 0x74, 0x79,
]);
// .ctors .dtors .init_array .fini_array .preinit_array
const CTORS = memory.data<u8>([0x2e, 0x63, 0x74, 0x6f, 0x72, 0x73]);
const DTORS = memory.data<u8>([0x2e, 0x64, 0x74, 0x6f, 0x72, 0x73]);
const INIT_ARRAY = memory.data<u8>([0x2e, 0x69, 0x6e, 0x69, 0x74, 0x5f, 0x61, 0x72, 0x72, 0x61, 0x79]);
const FINI_ARRAY = memory.data<u8>([0x2e, 0x66, 0x69, 0x6e, 0x69, 0x5f, 0x61, 0x72, 0x72, 0x61, 0x79]);
const PREINIT_ARRAY = memory.data<u8>([
  0x2e, 0x70, 0x72, 0x65, 0x69, 0x6e, 0x69, 0x74, 0x5f, 0x61, 0x72, 0x72, 0x61, 0x79,
]);

function isFunctionArray(name: usize): bool {
  if (load<u8>(name) !== 0x2e) return false;
  switch (<i32>load<u8>(name + 1)) {
    case 0x63:
      return isNamed(name, CTORS, 6);
    case 0x64:
      return isNamed(name, DTORS, 6);
    case 0x69:
      return isNamed(name, INIT_ARRAY, 11);
    case 0x66:
      return isNamed(name, FINI_ARRAY, 11);
    case 0x70:
      return isNamed(name, PREINIT_ARRAY, 14);
    default:
      return false;
  }
}

/** True when the name is the prefix, or goes on behind it with a dot. */
function isNamed(name: usize, prefix: usize, length: i32): bool {
  for (let i = 0; i < length; i++) if (load<u8>(name + i) !== load<u8>(prefix + i)) return false;
  const next = load<u8>(name + length);
  return next === 0 || next === 0x2e;
}
