import type { Report, Row, Section } from "./report.ts";
import { ratioOf, type Summary } from "./statistics.ts";

/** What slablink wants to reach: a contestant in a case, against another. Ratios of wall and CPU time. */
export interface Target {
  readonly case: string;
  readonly contestant: string;
  readonly against: string;
  readonly wall: number;
  readonly cpu?: number;
}

/** On one quiet machine, whole processes, cold. */
export const targets: readonly Target[] = [
  { case: "cpython", contestant: "slablink", against: "llvm-jitlink shared", wall: 0.5, cpu: 0.5 },
  { case: "cpython", contestant: "slablink", against: "slablink per-object", wall: 1, cpu: 0.55 },
  { case: "tiny-objects", contestant: "slablink", against: "llvm-jitlink shared", wall: 0.45, cpu: 0.45 },
  { case: "llvm", contestant: "slablink", against: "ld.lld + run", wall: 0.85, cpu: 0.85 },
  { case: "hello", contestant: "slablink", against: "llvm-jitlink shared", wall: 2.2 },
];

/** A target, and what was measured. */
export interface Measured {
  readonly target: Target;
  readonly wall: Summary;
  readonly cpu: Summary;
}

/** The targets of which both contestants were measured. */
export function measuredTargets({ sections }: Report): Measured[] {
  return targets.flatMap((target) => {
    const section = sections.find(({ name }) => name === target.case);
    const [own, other] = [target.contestant, target.against].map((name) => rowOf(section, name));
    if (own === undefined || other === undefined) return [];
    return [{ target, wall: ratioOf(own.times.wall, other.times.wall), cpu: ratioOf(own.times.cpu, other.times.cpu) }];
  });
}

function rowOf(section: Section | undefined, contestant: string): Row | undefined {
  return section?.rows.find((row) => row.contestant === contestant);
}
