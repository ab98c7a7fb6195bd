import type { Program } from "../epc/executor-process-control.ts";
export async function runMain(_program: Program): Promise<number> {
  throw new Error("todo");
}
