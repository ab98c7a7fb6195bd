import { findSymbols, LoadFlag, loadLibrary, PROCESS } from "../host/dynamic-loader.ts";
import { libc } from "../host/libc.ts";
import { mapCode, mapPages } from "./native-pages.ts";

/*
 * dlsym and dlvsym for code that is linked into this process, as x86-64 code for the System V ABI. The program is an object
 * that was loaded last, by Node: looked up by it, RTLD_DEFAULT finds Node's own names and the C library's before the program's, and
 * RTLD_NEXT nothing at all. Here they answer as in an executable: RTLD_DEFAULT (and the handle of dlopen(NULL)) asks the program, its
 * libraries and then the process; RTLD_NEXT its libraries and the C library. It works on one block of data, whose address is patched in:
 *
 *     0  dlsym      8  dlvsym      16  the handle that dlopen(NULL) gives
 *    24  handles to ask for RTLD_NEXT, 0-ended      32  the same for RTLD_DEFAULT
 */
const Block = { dlsym: 0, dlvsym: 8, process: 16, next: 24, everywhere: 32, size: 40 } as const;

// biome-ignore format: machine code, one instruction a line
const CODE = [
  // dlsym: rax is where the C library's function stands
  0x48, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // movabs rax,BLOCK
  0xeb, 0x0a, // jmp common
  // dlvsym
  0x48, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // movabs rax,BLOCK+8
  // common
  0x53, // push rbx
  0x41, 0x54, // push r12
  0x41, 0x55, // push r13
  0x41, 0x56, // push r14
  0x41, 0x57, // push r15
  0x48, 0x89, 0xc3, // mov rbx,rax
  0x49, 0x89, 0xfc, // mov r12,rdi
  0x49, 0x89, 0xf5, // mov r13,rsi
  0x49, 0x89, 0xd6, // mov r14,rdx
  0x49, 0xbf, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // movabs r15,BLOCK
  0x48, 0x83, 0xff, 0xff, // cmp rdi,RTLD_NEXT
  0x74, 0x22, // je next
  0x48, 0x85, 0xff, // test rdi,rdi
  0x74, 0x23, // je everywhere
  0x49, 0x3b, 0x7f, 0x10, // cmp rdi,[r15+0x10]
  0x74, 0x1d, // je everywhere
  // plain: what was asked, of the C library's function, in the caller's name
  0x4c, 0x89, 0xe7, // mov rdi,r12
  0x4c, 0x89, 0xee, // mov rsi,r13
  0x4c, 0x89, 0xf2, // mov rdx,r14
  0x48, 0x8b, 0x03, // mov rax,[rbx]
  0x41, 0x5f, // pop r15
  0x41, 0x5e, // pop r14
  0x41, 0x5d, // pop r13
  0x41, 0x5c, // pop r12
  0x5b, // pop rbx
  0xff, 0xe0, // jmp rax
  // next
  0x4d, 0x8b, 0x7f, 0x18, // mov r15,[r15+0x18]
  0xeb, 0x04, // jmp loop
  // everywhere
  0x4d, 0x8b, 0x7f, 0x20, // mov r15,[r15+0x20]
  // loop: until a handle has it, or there are no more
  0x49, 0x8b, 0x3f, // mov rdi,[r15]
  0x49, 0x83, 0xc7, 0x08, // add r15,0x8
  0x48, 0x85, 0xff, // test rdi,rdi
  0x74, 0xd3, // je plain
  0x4c, 0x89, 0xee, // mov rsi,r13
  0x4c, 0x89, 0xf2, // mov rdx,r14
  0xff, 0x13, // call [rbx]
  0x48, 0x85, 0xc0, // test rax,rax
  0x74, 0xe7, // je loop
  0x41, 0x5f, // pop r15
  0x41, 0x5e, // pop r14
  0x41, 0x5d, // pop r13
  0x41, 0x5c, // pop r12
  0x5b, // pop rbx
  0xc3, // ret
];

const DLVSYM_ENTRY = 12;

/** Where an address is patched in, and its offset in the block. */
const OPERANDS = [
  [2, Block.dlsym],
  [14, Block.dlvsym],
  [45, 0],
] as const;

/** The two functions; made when a program first refers to one of them. They stay until the process ends. */
export class DlsymShim {
  readonly #code: number;
  readonly #block: number;
  readonly #libc: number;

  constructor() {
    const [dlsym, dlvsym] = findSymbols(PROCESS, ["dlsym", "dlvsym"]) as unknown as [number, number];
    this.#block = mapPages(Block.size);
    const code = new Uint8Array(CODE);
    const view = new DataView(code.buffer);
    for (const [offset, at] of OPERANDS) view.setBigUint64(offset, BigInt(this.#block + at), true);
    this.#code = mapCode(code);
    this.#libc = loadLibrary("libc.so.6", LoadFlag.lazy);
    this.#write(0, [dlsym, dlvsym, libc.dlopen(null, LoadFlag.lazy), 0, 0]);
    this.update([], []);
  }

  /** The address for one of the two names; undefined for any other. */
  address(name: string): number | undefined {
    if (name === "dlsym") return this.#code;
    return name === "dlvsym" ? this.#code + DLVSYM_ENTRY : undefined;
  }

  /** Tells which images are linked and which libraries they use, by handle. Earlier tables stay: somebody may be reading them. */
  update(images: readonly number[], libraries: readonly number[]): void {
    const next = [...libraries, this.#libc, 0];
    const tables = mapPages(8 * (images.length + libraries.length + 1 + next.length));
    writeWords(tables, [...next, ...images, ...libraries, 0]);
    this.#write(Block.next, [tables, tables + 8 * next.length]);
  }

  #write(offset: number, words: readonly number[]): void {
    writeWords(this.#block + offset, words);
  }
}

function writeWords(address: number, words: readonly number[]): void {
  const bytes = new Uint8Array(8 * words.length);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => {
    view.setBigUint64(8 * i, BigInt(word), true);
  });
  libc.memcpy(address, bytes, bytes.length);
}
