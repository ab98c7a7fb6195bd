// Machine code around calls whose values lie in a call block (src/signature/call-layout.ts), System V psABI for x86-64, 3.2.
//
//     void shim(void *block, void *target)    loads registers and stack from the block, calls the target, stores the result
//     thunk                                   has an import's own signature: gathers its arguments into a block on the stack, calls
//                                             void __slablink_import(uint64_t id, void *block, uint64_t size), returns what is in it then
//
// Both have a frame by rbp, so that all of them unwind by the same rules (x86_64-call-frames.ts):
//
//     shim   [rbp-8] block, [rsp] arguments on the stack            thunk   [rbp-8] where a struct is to be returned, [rsp] block

import type { CallLayout } from "../signature/call-layout.ts";
import type { ValueType } from "../signature/value-type.ts";
import { R_X86_64_PLT32 } from "./x86_64.ts";
import { assignPassages, classify, EIGHTBYTE, type Passage, type Width, widthOf } from "./x86_64-classes.ts";

/** Machine code that needs no relocation but those of its calls. */
export interface CallCode {
  readonly bytes: Uint8Array;
  /** R_X86_64_… of `symbol`, at an offset in the bytes. */
  readonly relocations: readonly { offset: number; type: number; symbol: string; addend: number }[];
}

/** What thunks call. */
export const IMPORT_FUNCTION = "__slablink_import";

const RAX = 0;
const RDX = 2;
/** Where an operand is: [register + 32 bits]; rsp wants a SIB byte. */
const RSP = 4;
const RBP = 5;
const R10 = 10;

/** Larger values are copied by `rep movsq`, which takes some 30 cycles to begin. */
const MOST_WORDS_BY_MOVES = 16;

/** The code of `void shim(void *block, void *target)`, for all layouts of one key. */
export function shimCode(layout: CallLayout): CallCode {
  const { result } = layout.signature;
  const { passages, stackSize, sseCount, resultInMemory } = assignPassages(layout.slots, result);
  const fromStack = passages.filter(({ to }) => to === "stack");
  const inRegisters = passages.filter(({ to }) => to !== "stack");
  // biome-ignore format: machine code, one instruction a line
  const code = [
    0x55, // push rbp
    0x48, 0x89, 0xe5, // mov rbp,rsp
    0x48, 0x81, 0xec, ...imm32(stackSize + 16), // sub rsp,SIZE
    0x48, 0x89, 0x7d, 0xf8, // mov [rbp-8],rdi
    0x49, 0x89, 0xf3, // mov r11,rsi
    0x49, 0x89, 0xfa, // mov r10,rdi
    ...fromStack.flatMap(toStack),
    ...inRegisters.flatMap(toRegister),
    ...(resultInMemory ? [0x4c, 0x89, 0xd7] : []), // mov rdi,r10
    0xb8, ...imm32(sseCount), // mov eax,COUNT
    0x41, 0xff, 0xd3, // call r11
    ...(result === undefined || resultInMemory ? [] : storeResult(result)),
    0xc9, // leave
    0xc3, // ret
  ];
  return { bytes: new Uint8Array(code), relocations: [] };
}

/** The code of the import that `__slablink_import` knows as `id`. Errors: TypeError for a variadic signature. */
export function thunkCode(layout: CallLayout, id: number | bigint): CallCode {
  const { name, result, variadic } = layout.signature;
  if (variadic) {
    throw new TypeError(
      `${name ?? "an import"} is variadic: types of its variable arguments come with calls from JavaScript only`,
    );
  }
  const { passages, resultInMemory } = assignPassages(layout.slots, result);
  const registers = passages.filter(({ to }) => to !== "stack");
  const stack = passages.filter(({ to }) => to === "stack");
  // biome-ignore format: machine code, one instruction a line
  const before = [
    0x55, // push rbp
    0x48, 0x89, 0xe5, // mov rbp,rsp
    0x48, 0x81, 0xec, ...imm32(layout.blockSize + 16), // sub rsp,SIZE
    ...(resultInMemory ? [0x48, 0x89, 0x7d, 0xf8] : []), // mov [rbp-8],rdi
    ...registers.flatMap(fromRegister),
    ...stack.flatMap(fromCaller),
    0x48, 0xbf, ...imm64(id), // movabs rdi,ID
    0x48, 0x89, 0xe6, // mov rsi,rsp
    0xba, ...imm32(layout.blockSize), // mov edx,SIZE
    0xe8, // call __slablink_import
  ];
  // biome-ignore format: machine code, one instruction a line
  const code = [
    ...before, 0x00, 0x00, 0x00, 0x00,
    ...(result === undefined ? [] : resultInMemory ? returnInMemory(result) : loadResult(result)),
    0xc9, // leave
    0xc3, // ret
  ];
  const call = { offset: before.length, type: R_X86_64_PLT32, symbol: IMPORT_FUNCTION, addend: -4 };
  return { bytes: new Uint8Array(code), relocations: [call] };
}

function toRegister(passage: Passage): number[] {
  if (passage.to === "integer") return load(passage.register, R10, passage.offset, passage.width);
  if (passage.to === "sse") return loadSse(passage.register, R10, passage.offset);
  return [];
}

function toStack(passage: Passage): number[] {
  if (passage.to !== "stack") return [];
  const { at, offset, words, width } = passage;
  if (words > MOST_WORDS_BY_MOVES) return copyWords(lea(RSI, R10, offset), lea(RDI, RSP, at), words);
  return moveWords(words, (i) => [...load(RAX, R10, offset + i, width), ...store(RAX, RSP, at + i, EIGHTBYTE)]);
}

function fromRegister(passage: Passage): number[] {
  if (passage.to === "integer") return store(passage.register, RSP, passage.offset, passage.width);
  if (passage.to === "sse") return storeSse(passage.register, RSP, passage.offset);
  return [];
}

/** From the caller's frame, whose arguments begin behind the return address. */
function fromCaller(passage: Passage): number[] {
  if (passage.to !== "stack") return [];
  const { at, offset, words, width } = passage;
  if (words > MOST_WORDS_BY_MOVES) return copyWords(lea(RSI, RBP, at + 16), lea(RDI, RSP, offset), words);
  return moveWords(words, (i) => [...load(RAX, RBP, at + 16 + i, EIGHTBYTE), ...store(RAX, RSP, offset + i, width)]);
}

function moveWords(words: number, move: (offset: number) => number[]): number[] {
  return Array.from({ length: words }, (_, i) => move(8 * i)).flat();
}

/** The result's registers into the block. */
function storeResult(result: ValueType): number[] {
  // biome-ignore format: machine code, one instruction a line
  const code = [
    0x4c, 0x8b, 0x55, 0xf8, // mov r10,[rbp-8]
  ];
  eachResultRegister(result, (to, register, offset) => {
    code.push(...(to === "sse" ? storeSse(register, R10, offset) : store(register, R10, offset, EIGHTBYTE)));
  });
  return code;
}

/** The result's registers from the block, extended as arguments are. */
function loadResult(result: ValueType): number[] {
  const code: number[] = [];
  eachResultRegister(result, (to, register, offset) => {
    code.push(...(to === "sse" ? loadSse(register, RSP, offset) : load(register, RSP, offset, widthOf(result))));
  });
  return code;
}

/** INTEGER eightbytes come in rax and rdx, SSE ones in xmm0 and xmm1. */
function eachResultRegister(
  result: ValueType,
  visit: (to: "integer" | "sse", register: number, offset: number) => void,
): void {
  const integers = [RAX, RDX];
  let sse = 0;
  classify(result)?.forEach((name, i) => {
    if (name === "INTEGER") visit("integer", integers.shift()!, 8 * i);
    else if (name === "SSE") visit("sse", sse++, 8 * i);
  });
}

function returnInMemory({ size }: ValueType): number[] {
  // biome-ignore format: machine code, one instruction a line
  return [
    0x48, 0x8b, 0x7d, 0xf8, // mov rdi,[rbp-8]
    0x48, 0x89, 0xf8, // mov rax,rdi
    0x48, 0x89, 0xe6, // mov rsi,rsp
    0xb9, ...imm32(size), // mov ecx,SIZE
    0xf3, 0xa4, // rep movsb
  ];
}

const RSI = 6;
const RDI = 7;

function copyWords(source: number[], destination: number[], words: number): number[] {
  // biome-ignore format: machine code, one instruction a line
  return [
    ...source,
    ...destination,
    0xb9, ...imm32(words), // mov ecx,WORDS
    0xf3, 0x48, 0xa5, // rep movsq
  ];
}

function load(register: number, base: number, offset: number, { size, signed }: Width): number[] {
  const operand = memory(register, base, offset);
  const w = rex(8, register, base);
  const narrow = rex(0, register, base);
  if (size === 8) return [w, 0x8b, ...operand]; // mov r64,[…]
  if (size === 4) return signed ? [w, 0x63, ...operand] : [narrow, 0x8b, ...operand]; // movsxd r64,dword […]; mov r32,[…]
  if (size === 2) return signed ? [w, 0x0f, 0xbf, ...operand] : [narrow, 0x0f, 0xb7, ...operand]; // movsx r64,word; movzx r32,word
  return signed ? [w, 0x0f, 0xbe, ...operand] : [narrow, 0x0f, 0xb6, ...operand]; // movsx r64,byte; movzx r32,byte
}

function store(register: number, base: number, offset: number, { size }: Width): number[] {
  const operand = memory(register, base, offset);
  const narrow = rex(0, register, base);
  if (size === 8) return [rex(8, register, base), 0x89, ...operand]; // mov […],r64
  if (size === 4) return [narrow, 0x89, ...operand]; // mov […],r32
  if (size === 2) return [0x66, narrow, 0x89, ...operand]; // mov […],r16
  return [narrow, 0x88, ...operand]; // mov […],r8: with the REX prefix, sil and dil
}

function loadSse(register: number, base: number, offset: number): number[] {
  return [0xf2, rex(0, register, base), 0x0f, 0x10, ...memory(register, base, offset)]; // movsd xmm,[…]
}

function storeSse(register: number, base: number, offset: number): number[] {
  return [0xf2, rex(0, register, base), 0x0f, 0x11, ...memory(register, base, offset)]; // movsd […],xmm
}

function lea(register: number, base: number, offset: number): number[] {
  return [rex(8, register, base), 0x8d, ...memory(register, base, offset)]; // lea r64,[…]
}

/** The REX prefix: W, and the fourth bits of register and base. */
function rex(w: 0 | 8, register: number, base: number): number {
  return 0x40 | w | ((register >> 3) << 2) | (base >> 3);
}

/** ModRM, SIB where it has to be, and displacement of [base + offset]. */
function memory(register: number, base: number, offset: number): number[] {
  const modrm = 0x80 | ((register & 7) << 3) | (base & 7);
  return base === RSP ? [modrm, 0x24, ...imm32(offset)] : [modrm, ...imm32(offset)];
}

function imm32(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
}

function imm64(value: number | bigint): number[] {
  return Array.from(new Uint8Array(new BigUint64Array([BigInt(value)]).buffer));
}
