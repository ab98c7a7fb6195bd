import { ExternalKind, Externals } from "../link/externals.ts";
import { linkerDefined, TLS_MODULE_BASE } from "../link/linker-defined.ts";
import type { LinkJob } from "./link-job.ts";

/** The externals whose addresses need no loader: the process's, those given by hand, and the names that the linker defines. */
export function linkerNames(job: LinkJob): Externals {
  const { pool, columns } = job.tables;
  const externals = new Externals(pool.size, columns);
  for (const { id, address, kind } of job.external.known) externals.add(id, address, kind);
  for (const id of job.linkerDefined) {
    const name = pool.name(id);
    const kind = name === TLS_MODULE_BASE ? ExternalKind.ownThreadLocal : ExternalKind.data;
    externals.add(id, linkerDefined(name, job.layout), kind);
  }
  for (const [id, bound] of job.setBounds) {
    const set = job.layout.sets.get(bound.section)!;
    externals.add(id, bound.end ? set.end : set.start, ExternalKind.data);
  }
  return externals;
}
