import { STUB_SIZE } from "../src/arch/x86_64-stub";
import {
  GLOBAL_OFFSET_TABLE,
  NAME_EXTERNAL,
  NAME_EXTERNAL_KIND,
  SLOT_OF_NAME,
  STUB_OF_NAME,
  STUBS,
  TABLE_USED,
  WORK_BASE,
} from "../src/kernel/record";

const EXTERNAL_UNKNOWN = 0;
const EXTERNAL_FUNCTION = 1;

/**
 * Gives each of the first `names` names whose address lies outside of [near, nearEnd) an entry in the global offset table, behind the `used`
 * bytes that are in use, and a stub, behind `stubs` others, if it is a function or may be one. Gives the number of stubs,
 * in TABLE_USED that of bytes.
 */
export function linkFar(record: usize, names: i32, near: f64, nearEnd: f64, used: i32, stubs: i32): i32 {
  const addresses = <usize>load<u32>(record + NAME_EXTERNAL);
  const kinds = <usize>load<u32>(record + NAME_EXTERNAL_KIND);
  const stubOfName = <usize>load<u32>(record + STUB_OF_NAME);
  const slotOfName = <usize>load<u32>(record + SLOT_OF_NAME);
  const base = load<f64>(record + WORK_BASE);
  const table = <usize>(load<f64>(record + GLOBAL_OFFSET_TABLE) - base);
  const stubTable = <usize>(load<f64>(record + STUBS) - base);
  for (let id = 0; id < names; id++) {
    const address = load<f64>(addresses + 8 * id);
    const kind = <i32>load<u8>(kinds + id);
    // Not a number: nothing from outside.
    if (isNaN(address) || (address >= near && address < nearEnd)) continue;
    if (kind > 2 || load<i32>(slotOfName + 4 * id) !== 0) continue;
    if (address < 0 || address > 9007199254740991) continue;
    const slot = table + used;
    store<i64>(slot, <i64>address);
    store<i32>(slotOfName + 4 * id, used + 1);
    used += 8;
    if (kind !== EXTERNAL_UNKNOWN && kind !== EXTERNAL_FUNCTION) continue;
    const stub = stubTable + STUB_SIZE * stubs;
    stubs++;
    store<u16>(stub, 0x25ff); // ff 25 rel32   jmp *slot(%rip)
    store<i32>(stub + 2, <i32>(<i64>slot - <i64>stub) - 6);
    store<u16>(stub + 6, 0x9066); // 66 90         xchg %ax,%ax
    store<i32>(stubOfName + 4 * id, stubs);
  }
  store<i32>(record + TABLE_USED, used);
  return stubs;
}
