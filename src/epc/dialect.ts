/*
 * Names of wrapper functions and alloc actions, as executors publish them among their bootstrap symbols: LLVM 22's,
 * and those that slablink's own executor adds. An executor that has `slabReserve` is one of ours.
 */

const DYLIB = "__llvm_orc_SimpleExecutorDylibManager_";
const MEMORY = "__llvm_orc_SimpleExecutorMemoryManager_";
const SHARED = "__llvm_orc_ExecutorSharedMemoryMapperService_";
const BOOTSTRAP = "__llvm_orc_bootstrap_";

/** LLVM 22's names. An `…Instance` is a value that its wrappers take as their first argument. */
export const Llvm = {
  /** The manager of shared libraries. */
  dylibInstance: `${DYLIB}Instance`,
  /** Addr instance, String path, u64 mode → Expected<Addr>. */
  dylibOpen: `${DYLIB}open_wrapper`,
  /** Addr instance, Addr library, Sequence<(String, bool required)> → Expected<Sequence<Addr>>. */
  dylibResolve: `${DYLIB}resolve_wrapper`,
  /** The memory manager that is filled by messages. */
  memoryInstance: `${MEMORY}Instance`,
  /** Addr instance, u64 size → Expected<Addr>. */
  memoryReserve: `${MEMORY}reserve_wrapper`,
  /** Addr instance, a request with segments, contents and actions → Expected<Addr>. */
  memoryInitialize: `${MEMORY}initialize_wrapper`,
  /** Addr instance, Sequence<Addr> → Error. */
  memoryDeinitialize: `${MEMORY}deinitialize_wrapper`,
  /** Addr instance, Sequence<Addr> → Error. */
  memoryRelease: `${MEMORY}release_wrapper`,
  /** The service of memory shared by name. */
  sharedInstance: `${SHARED}Instance`,
  /** Addr instance, u64 size → Expected<(Addr, String)>. */
  sharedReserve: `${SHARED}Reserve`,
  /** Addr instance, Addr reservation, a request with segments and actions → Expected<Addr>. */
  sharedInitialize: `${SHARED}Initialize`,
  /** Addr instance, Sequence<Addr> → Error. */
  sharedDeinitialize: `${SHARED}Deinitialize`,
  /** Addr instance, Sequence<Addr> → Error. */
  sharedRelease: `${SHARED}Release`,
  /** Addr main, Sequence<String> argv → i64. */
  runAsMain: `${BOOTSTRAP}run_as_main_wrapper`,
  /** Addr of `int f(void)` → i32. */
  runAsVoidFunction: `${BOOTSTRAP}run_as_void_function_wrapper`,
  /** Addr of `int f(int)`, i32 → i32. */
  runAsIntFunction: `${BOOTSTRAP}run_as_int_function_wrapper`,
  /** Sequence<(Addr, u64)> → nothing. */
  memWriteUInt64s: `${BOOTSTRAP}mem_write_uint64s_wrapper`,
  /** Sequence<Addr> → Sequence<Addr>. */
  memReadPointers: `${BOOTSTRAP}mem_read_pointers_wrapper`,
  /** Sequence<AddrRange> → Sequence<blob>. */
  memReadBuffers: `${BOOTSTRAP}mem_read_buffers_wrapper`,
  /** Alloc action, AddrRange → Error. */
  registerEHFrame: "llvm_orc_registerEHFrameAllocAction",
  /** Alloc action, AddrRange → Error. */
  deregisterEHFrame: "llvm_orc_deregisterEHFrameAllocAction",
} as const;

/** slablink's own. */
export const Slablink = {
  /** u64 address or 0, u64 size, String backing → Expected<Addr>; backing: "" private, "fd:N", or a path. */
  slabReserve: "__slablink_slab_reserve",
  /** Addr base, Addr start, String path → Error. */
  slabTemplate: "__slablink_slab_template",
  /** Addr → Error. */
  slabRelease: "__slablink_slab_release",
  /** Addr start, u64 size, blob, Addr source, u64 sourceSize, Addr results, u64 count → Expected<(Addr, u64[])>. */
  imageLoad: "__slablink_image_load",
  /** Addr handle → Error. */
  imageUnload: "__slablink_image_unload",
  /** Alloc action, AddrRange of {u64 slot, u64 resolver} pairs → Error. */
  resolveIfuncs: "__slablink_resolve_ifuncs",
  /** Addr main, argv, init arrays, fini arrays, bool exit, init functions, fini functions → Expected<i64>. */
  programRun: "__slablink_program_run",
  /** → Tuple<u64, u64>: user and system time. */
  processorTime: "__slablink_processor_time",
  /** Addr, u64 size → Expected<Sequence<char>>. */
  memoryRead: "__slablink_memory_read",
  /** Addr, Sequence<char> → Error. */
  memoryWrite: "__slablink_memory_write",
  /** Tag of calls from an executor that records a trace: u32 process, Sequence<span>; they get no result. */
  traceBatches: "__slablink_trace_batches",
  /** Tag of the last message of an executor that crashes (crash-message.ts); it gets no result. */
  crash: "__slablink_crash",
  /** → the same, what has been recorded and not been handed over. */
  traceTake: "__slablink_trace_take",
  /*
   * Messages between a supervised executor's supervisor and the controller: calls with sequence number 0 to these tags, which get no result.
   */
  /** From the executor: u32 descriptor, Sequence<char>. */
  stdioOutput: "__slablink_stdio_output",
  /** To the executor: Sequence<char>; an empty one is the end of standard input. */
  stdioInput: "__slablink_stdio_input",
  /** Either way: u32 descriptor, u64 bytes of it that have found their place. */
  stdioTaken: "__slablink_stdio_taken",
  /** Either way: u32 descriptor that nobody will take anything more of. */
  stdioClosed: "__slablink_stdio_closed",
  /** To the executor: u32 number, bool to its whole process group. */
  signal: "__slablink_signal",
  /** From the executor, its last message: u32 exit status, u32 signal or 0. */
  processEnd: "__slablink_process_end",
} as const;

/** Protection bits of a segment on the wire (RemoteAllocGroup); the same as <sys/mman.h>'s. */
export const RemoteProtection = { read: 1, write: 2, exec: 4, finalizeLifetime: 8 } as const;
