import { SectionKind } from "../../graph/section-table.ts";
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
} from "./constants.ts";

/** True when the NUL-terminated name at `position` starts with `prefix` and then ends or goes on with a dot. */
export function isSectionNamed(view: DataView, position: number, prefix: string): boolean {
  for (let i = 0; i < prefix.length; i++) {
    if (view.getUint8(position + i) !== prefix.charCodeAt(i)) return false;
  }
  const next = view.getUint8(position + prefix.length);
  return next === 0 || next === 0x2e;
}

/** Kind of a section by sh_type, sh_flags and, for the few that tradition gives a meaning, its name. */
export function sectionKindOf(type: number, flags: number, view: DataView, name: number): SectionKind {
  if ((flags & SHF_ALLOC) === 0 || (flags & SHF_EXCLUDE) !== 0) return SectionKind.none;
  if ((flags & SHF_TLS) !== 0) return type === SHT_NOBITS ? SectionKind.tlsZeroFill : SectionKind.tlsData;
  if ((flags & SHF_EXECINSTR) !== 0) return (flags & SHF_WRITE) !== 0 ? SectionKind.writableCode : SectionKind.code;
  switch (type) {
    case SHT_INIT_ARRAY:
    case SHT_FINI_ARRAY:
    case SHT_PREINIT_ARRAY:
      return SectionKind.functionArray;
    case SHT_X86_64_UNWIND:
      return isSectionNamed(view, name, ".eh_frame") ? SectionKind.ehFrame : SectionKind.readOnly;
    case SHT_NOTE:
      // Every object of gcc's carries it; only a static linker that marks its output would read it.
      return isSectionNamed(view, name, ".note.gnu.property") ? SectionKind.none : SectionKind.readOnly;
    case SHT_NOBITS:
      return (flags & SHF_X86_64_LARGE) !== 0 ? SectionKind.largeZeroFill : SectionKind.zeroFill;
    case SHT_PROGBITS:
      if (isSectionNamed(view, name, ".eh_frame")) return SectionKind.ehFrame;
      if (isFunctionArray(view, name)) return SectionKind.functionArray;
      break;
  }
  return (flags & SHF_WRITE) !== 0 ? SectionKind.data : SectionKind.readOnly;
}

function isFunctionArray(view: DataView, name: number): boolean {
  // An empty name may be the file's last byte.
  if (view.getUint8(name) !== 0x2e) return false;
  switch (view.getUint8(name + 1)) {
    case 0x63:
      return isSectionNamed(view, name, ".ctors");
    case 0x64:
      return isSectionNamed(view, name, ".dtors");
    case 0x69:
      return isSectionNamed(view, name, ".init_array");
    case 0x66:
      return isSectionNamed(view, name, ".fini_array");
    case 0x70:
      return isSectionNamed(view, name, ".preinit_array");
    default:
      return false;
  }
}
