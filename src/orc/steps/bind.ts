import { STUB_SIZE } from "../../arch/x86_64.ts";
import { LinkError } from "../../errors.ts";
import { foreignWord } from "../../link/anchor.ts";
import { bindReferences } from "../../link/bind-symbols.ts";
import { ExternalKind, type Externals } from "../../link/externals.ts";
import { kindOfSymbol } from "../external-names.ts";
import { libraryAddresses } from "../library-addresses.ts";
import type { LinkJob } from "../link-job.ts";
import { linkerNames } from "../linker-names.ts";
import { circleError } from "../other-names.ts";
import { undefinedSymbols } from "../undefined-symbols.ts";

/** Takes the addresses that only the loader and the libraries know, and gives every reference its value. */
export async function bind(job: LinkJob): Promise<void> {
  const externals = linkerNames(job);
  await bindLibraries(job, externals);
  bindThreadLocals(job, externals);
  bindAliases(job, externals);
  bindReferences(job.tables, job.resolution.definition, externals);
  job.externals = externals;
}

/** Addresses of the libraries' symbols, and of the copies that stand for some of them. */
async function bindLibraries(job: LinkJob, externals: Externals): Promise<void> {
  const { epc, openedLibraries } = job.context;
  const { fromLibraries } = job.external;
  if (fromLibraries.length > 0) {
    const early = job.libraryAddresses;
    const isComplete = epc.kind === "in-process" && job.interposition === undefined;
    const addresses =
      isComplete && early !== undefined
        ? early
        : await libraryAddresses(epc, fromLibraries, openedLibraries, job.image);
    fromLibraries.forEach(({ id, symbol }, i) => {
      if (epc.kind === "remote" && early?.[i]) addresses[i] = early[i];
      externals.add(id, addresses[i]!, kindOfSymbol(symbol.type));
    });
    const missing = fromLibraries.filter((_, i) => addresses[i] === 0).map(({ id }) => id);
    if (missing.length > 0) throw undefinedSymbols(job.tables, missing);
  }
  job.plan.copies.forEach((copy, index) => {
    const address = job.layout.headerData.address + job.sizes.copies[index]!;
    for (const id of copy.ids) externals.add(id, address, ExternalKind.data);
  });
  job.plan.functions.forEach(({ id }, index) => {
    externals.add(id, job.layout.header.address + job.sizes.stubs + STUB_SIZE * index, ExternalKind.function);
  });
}

function bindThreadLocals(job: LinkJob, externals: Externals): void {
  const words = job.loaderWords!;
  job.plan.foreignTls.forEach(({ id, staticTls }, index) => {
    const at = foreignWord(index);
    externals.add(id, 0, ExternalKind.threadLocal);
    externals.threadLocals.set(id, {
      module: words[at]!,
      offset: words[at + 1]!,
      threadOffset: staticTls ? words[at + 2]! : undefined,
    });
  });
}

/** An alias has the address of what its chain of other names ends in, whatever their order. */
function bindAliases(job: LinkJob, externals: Externals): void {
  const { pool, symbols } = job.tables;
  const { definition } = job.resolution;
  for (const alias of job.aliases.keys()) {
    const target = endOfChain(job, alias);
    const row = definition[target]! - 1;
    const address = row >= 0 ? symbols.value[row]! : externals.address[target]!;
    if (Number.isNaN(address)) {
      throw new LinkError("link", `${pool.name(alias)} is an alias of ${pool.name(target)}, which is not defined`);
    }
    externals.add(alias, address, ExternalKind.unknown);
  }
}

/** The name at the end of aliases of aliases. Errors: LinkError for a circle. */
function endOfChain({ tables, resolution, aliases }: LinkJob, alias: number): number {
  const passed = [alias];
  for (let at = aliases.get(alias)!; ; at = aliases.get(at)!) {
    const next = resolution.definition[at]! > 0 ? undefined : aliases.get(at);
    if (next === undefined) return at;
    const known = passed.indexOf(at);
    passed.push(at);
    if (known >= 0) throw circleError(passed.slice(known).map((id) => tables.pool.name(id)));
  }
}
