/** For tables that grow. */
export function moveBytes(to: usize, from: usize, count: usize): void {
  memory.copy(to, from, count);
}
