/** Without what all names of the wire have in common: `__llvm_orc_SimpleExecutorDylibManager_resolve_wrapper` is `dylib resolve`. */
export function shortName(name: string): string {
  return name
    .replace(/^__slablink_/, "")
    .replace(/^__llvm_orc_SimpleExecutorDylibManager_/, "dylib ")
    .replace(/^__llvm_orc_SimpleExecutorMemoryManager_/, "memory ")
    .replace(/^__llvm_orc_ExecutorSharedMemoryMapperService_/, "shared memory ")
    .replace(/^__llvm_orc_bootstrap_/, "")
    .replace(/^llvm_orc_/, "")
    .replace(/_wrapper$/, "")
    .replaceAll("_", " ")
    .replace(/(?<= )[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());
}
