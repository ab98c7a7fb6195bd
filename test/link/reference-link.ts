import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hex } from "../../src/bytes/address.ts";
import { mustRun } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";
import type { PlainJob } from "./plain-job.ts";

/**
 * Has GNU ld link the same objects at the addresses that a job gave their sections, and gives the executable's path.
 * Sections of the same name follow each other in both. The global offset table starts where the job's does.
 */
export async function referenceLink(
  objects: readonly string[],
  job: PlainJob,
  sections: readonly string[],
  options: { externals?: Readonly<Record<string, number>>; flags?: readonly string[] } = {},
): Promise<string> {
  const { layout } = job.job;
  const placed = sections.map((name) => ({ name, address: job.addressOfSection(name) }));
  const lines = placed
    .filter(({ name }) => !name.startsWith(".t") || name === ".text")
    .map(({ name, address }) => `  ${name} ${hex(address)} : { *(${name}) }`);
  // Thread-local sections have an image of their own; only their order matters.
  const image = layout.header.address;
  lines.push(`  .tdata ${hex(image)} : { *(.tdata .tdata.*) }`, "  .tbss : { *(.tbss .tbss.*) }");
  lines.push(`  .got ${hex(layout.globalOffsetTable)} : { *(.got.plt) *(.got) }`);
  lines.push(
    "  .rest 0x70000000 : { *(.text .text.* .data .data.* .bss .bss.* .plt* .iplt .rela* .dyn* .hash* .gnu.hash) }",
  );
  lines.push("  /DISCARD/ : { *(.note* .comment .eh_frame .gnu.*) }");
  const directory = freshDirectory();
  const script = join(directory, "script");
  writeFileSync(script, `SECTIONS {\n${lines.join("\n")}\n}\n`);
  const output = join(directory, "out");
  const defined = Object.entries(options.externals ?? {}).map(([name, at]) => `--defsym=${name}=${hex(at)}`);
  const flags = options.flags ?? ["-static"];
  await mustRun("ld", [
    "-e",
    "0",
    "--no-warn-rwx-segments",
    ...flags,
    ...defined,
    "-T",
    script,
    "-o",
    output,
    ...objects,
  ]);
  return output;
}

/** The bytes of a section of an executable. */
export async function sectionBytes(executable: string, name: string): Promise<Buffer> {
  const file = join(freshDirectory(), "section");
  await mustRun("objcopy", ["-O", "binary", `--only-section=${name}`, executable, file]);
  return readFileSync(file);
}
