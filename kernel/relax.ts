/** `relaxGotLoad` of src/arch/x86_64-relax.ts, where its forms are drawn, for the field at position `at`. */
export function relaxGotLoad(at: usize, S: f64, P: f64, prefix: bool): bool {
  const distance = S - 4 - P;
  const opcode = <i32>load<u8>(at - 2);
  if (opcode === 0x8b) {
    if (!isInt32(distance) || (load<u8>(at - 1) & 0xc7) !== 0x05) return false;
    store<u8>(at - 2, 0x8d);
    store<i32>(at, <i32>distance);
    return true;
  }
  if (opcode === 0x85 || (opcode & 0xc7) === 0x03) return useImmediate(at, S, opcode, prefix);
  if (prefix || opcode !== 0xff) return false;
  const form = load<u8>(at - 1);
  if (form === 0x15 && isInt32(distance)) {
    store<u16>(at - 2, 0xe867);
    store<i32>(at, <i32>distance);
    return true;
  }
  if (form === 0x25 && isInt32(distance + 1)) {
    store<u8>(at - 2, 0xe9);
    store<i32>(at - 1, <i32>(distance + 1));
    store<u8>(at + 3, 0x90);
    return true;
  }
  return false;
}

function isInt32(value: f64): bool {
  return value >= -2147483648.0 && value <= 2147483647.0;
}

function useImmediate(at: usize, S: f64, opcode: i32, prefix: bool): bool {
  const modRm = <i32>load<u8>(at - 1);
  if ((modRm & 0xc7) !== 0x05 || !(S >= 0 && S <= 2147483647.0)) return false;
  const register = (modRm >> 3) & 7;
  const operation = opcode === 0x85 ? 0 : opcode & 0x38;
  store<u8>(at - 2, opcode === 0x85 ? 0xf7 : 0x81);
  store<u8>(at - 1, 0xc0 | operation | register);
  if (prefix) {
    const rex = <i32>load<u8>(at - 3);
    store<u8>(at - 3, (rex & ~5) | ((rex & 4) >> 2));
  }
  store<i32>(at, <i32>S);
  return true;
}
