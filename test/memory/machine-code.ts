/** Machine code for tests: `int f(void)` each, with its assembly. */

function withAddress(before: number[], address: number, after: number[]): Uint8Array {
  const bytes = new Uint8Array(before.length + 8 + after.length);
  bytes.set(before);
  new DataView(bytes.buffer).setBigUint64(before.length, BigInt(address), true);
  bytes.set(after, before.length + 8);
  return bytes;
}

/** mov eax, value; ret */
export function returns(value: number): Uint8Array {
  const bytes = new Uint8Array([0xb8, 0, 0, 0, 0, 0xc3]);
  new DataView(bytes.buffer).setInt32(1, value, true);
  return bytes;
}

/** movabs rax, address; mov eax, [rax]; ret */
export function loads(address: number): Uint8Array {
  return withAddress([0x48, 0xb8], address, [0x8b, 0x00, 0xc3]);
}

/** movabs rax, address; inc dword ptr [rax]; mov eax, [rax]; ret */
export function increments(address: number): Uint8Array {
  return withAddress([0x48, 0xb8], address, [0xff, 0x00, 0x8b, 0x00, 0xc3]);
}
