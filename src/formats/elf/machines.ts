const names = new Map([
  [2, "SPARC"],
  [3, "i386"],
  [4, "m68k"],
  [8, "MIPS"],
  [15, "PA-RISC"],
  [20, "PowerPC"],
  [21, "PowerPC64"],
  [22, "s390x"],
  [40, "ARM"],
  [42, "SuperH"],
  [43, "SPARC V9"],
  [50, "IA-64"],
  [62, "x86-64"],
  [183, "AArch64"],
  [224, "AMD GPU"],
  [243, "RISC-V"],
  [247, "BPF"],
  [258, "LoongArch"],
]);

/** What people call the machine with this e_machine (gABI 4, "ELF Header"); undefined for those that nobody meets. */
export function machineName(machine: number): string | undefined {
  return names.get(machine);
}
