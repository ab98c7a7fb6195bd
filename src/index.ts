// Everything that a program may use, by the parts' own names; each part works by itself. The command line needs no more
// than runProgram. Whoever wants to link into a process of their own takes launchExecutor or this process, a MemoryMapper,
// a SlabMemoryManager and an ExecutionSession.

// The whole: what `slablink run` does.

export { type PackageFile, setPackageFiles } from "./host/package-files.ts";
export { executorPath } from "./orc/executor-path.ts";
export { runProgram } from "./orc/run-program.ts";
export type { LinkStats, MemoryUse, RunRequest, TargetRequest } from "./orc/run-request.ts";

// Linking: look-ups materialize link jobs.

export {
  type CallbackGenerator,
  type DefinitionGenerator,
  type Generated,
  type GeneratedObject,
  ImplicitArchivesGenerator,
  ProcessSymbolsGenerator,
  SharedLibraryGenerator,
  StaticArchiveGenerator,
} from "./orc/definition-generator.ts";
export { absoluteSymbols, type Definitions, type NamesOf, reexports, symbolAliases } from "./orc/definitions.ts";
export {
  ExecutionSession,
  type ExecutionSessionOptions,
  type LinkOptions,
} from "./orc/execution-session.ts";
export {
  type AddObjectOptions,
  type DefinitionTraits,
  type FoundDefinition,
  JITDylib,
  type LinkedDefinitions,
  type PendingObject,
  type Reexport,
} from "./orc/jit-dylib.ts";
export type { LazyReexports } from "./orc/lazy-reexports.ts";
export type { LinkTimes, PhaseTime } from "./orc/link-times.ts";
export type { LinkCounts, LinkedJob, LinkedObject } from "./orc/linked-job.ts";
export type { LookupOptions } from "./orc/lookup-names.ts";
export type { RedirectableSymbols, Targets } from "./orc/redirectable-symbols.ts";
export { type StillReferenced, StillReferencedError } from "./orc/remove-tracker.ts";
export type { Place, ReplaceableObjects, Replacement } from "./orc/replace/replaceable-objects.ts";
export { type RemoveOptions, ResourceTracker } from "./orc/resource-tracker.ts";

// Plugins: what is linked, seen and changed between the passes of a job.

export { EditableObject } from "./formats/elf/edit-object.ts";
export type { EditableRelocation, RelocationSpec } from "./formats/elf/editable-relocation.ts";
export type { EditableSection, SectionSpec } from "./formats/elf/editable-section.ts";
export type {
  EditableSymbol,
  SymbolBinding,
  SymbolSpec,
  SymbolType,
  SymbolVisibility,
} from "./formats/elf/editable-symbol.ts";
export type { JobGraph, JobRelocation, JobSection, JobSymbol } from "./orc/job-graph.ts";
export type { LinkPlugin, PluginJob } from "./orc/link-plugin.ts";

// Memory: one allocation a job, a slab divided without requests, mappers that bring bytes into an executor.

export { Protection } from "./host/mapping.ts";
export { type MemoryWindow, SlabMemory } from "./host/slab-memory.ts";
export { InProcessMemoryMapper } from "./memory/in-process-mapper.ts";
export type {
  AllocationRequest,
  FinalizedAlloc,
  InFlightAlloc,
  JITLinkMemoryManager,
} from "./memory/jitlink-memory-manager.ts";
export type { InitializeInfo, MemoryMapper, Segment, WorkingMemory, ZeroFill } from "./memory/memory-mapper.ts";
export type { Placement } from "./memory/placement.ts";
export { RpcMemoryMapper } from "./memory/rpc-mapper.ts";
export { SharedMemoryMapper, type SharedMemoryMapperOptions } from "./memory/shared-memory-mapper.ts";
export { Slab } from "./memory/slab.ts";
export { DEFAULT_SLAB_SIZE, SlabMemoryManager, type SlabOptions, type Tasks } from "./memory/slab-memory-manager.ts";

// Memory at run time: arrays over the executor's own (docs/runtime-memory.md).

export { findVariable, type Variable, viewSymbol } from "./orc/view-symbol.ts";
export { ExecutorMemory } from "./runtime-memory/executor-memory.ts";
export { isRemoteArray, RemoteArray } from "./runtime-memory/remote-array.ts";
export type { SharedWindow } from "./runtime-memory/shared-windows.ts";
export type { TypedArray, TypedArrayConstructor, TypedArrayOf } from "./runtime-memory/typed-array.ts";

// The process that runs the code: this one, or an executor.

export type { DispatchHandler } from "./epc/connection.ts";
export { Llvm as LlvmWrapper, Slablink as SlablinkWrapper } from "./epc/dialect.ts";
export type { Endpoint } from "./epc/endpoint.ts";
export type {
  AllocAction,
  AllocActionPair,
  ExecutorProcessControl,
  ImageLoad,
  LoadedImage,
  ProtocolCounters,
} from "./epc/executor-process-control.ts";
export { InProcessExecutorProcessControl } from "./epc/in-process.ts";
export { type LaunchOptions, launchExecutor } from "./epc/launch.ts";
export type { Reach } from "./epc/reach.ts";
export { RemoteExecutorProcessControl, type RemoteOptions } from "./epc/remote.ts";
export type { Services } from "./epc/services.ts";
export { SpsReader } from "./epc/sps-reader.ts";
export { SpsWriter } from "./epc/sps-writer.ts";
export type { ByteChannel, ChannelListener } from "./host/byte-channel.ts";
export type { ExecutorProcess, ProcessEnd } from "./host/process.ts";
export type { Program, ProgramEnd } from "./native/program.ts";

// Typed calls: signatures, how their values lie in memory, and the machine code around a call.

export { type CallImport, shimName, writeCallObject } from "./formats/elf/call-object.ts";
export { type BlockSlot, type CallLayout, callLayout, type PointerContext } from "./signature/call-layout.ts";
export type {
  ArgumentOf,
  Arguments,
  FunctionOf,
  ImportFunctionOf,
  NoTypes,
  PointerArgument,
  Result,
  ResultOf,
} from "./signature/inferred.ts";
export type {
  ArrayShape,
  FunctionShape,
  MemberType,
  NativeType,
  PointerShape,
  Signature,
  SignatureShape,
  StructShape,
  TypeTable,
} from "./signature/native-type.ts";
export { resolveSignature, resolveType } from "./signature/resolve-signature.ts";
export type { ScalarName } from "./signature/type-names.ts";
export type {
  ArrayType,
  FunctionType,
  Parameter,
  ResolvedSignature,
  ScalarKind,
  ScalarType,
  StructMember,
  StructType,
  ValueType,
} from "./signature/value-type.ts";
export {
  type SplitArguments,
  splitVariableArguments,
  type VariableArgument,
} from "./signature/variable-arguments.ts";

// Object code in memory, and the formats it comes in.

export type { AddressRange } from "./bytes/address.ts";
export { ByteReader } from "./bytes/byte-reader.ts";
export { Archive, type OpenFile } from "./formats/archive.ts";
export { ArchiveIndex } from "./formats/archive-index.ts";
export { ArchiveMember } from "./formats/archive-member.ts";
export { detectFormat, type FileFormat } from "./formats/detect.ts";
export { buildLinkGraph } from "./formats/elf/build-link-graph.ts";
export { type DynamicSymbol, SharedLibrary } from "./formats/elf/shared-library.ts";
export {
  type ObjectContents,
  type ObjectRelocation,
  type ObjectSection,
  type ObjectSymbol,
  writeObject,
} from "./formats/elf/write-object.ts";
export { parseLinkerScript, type ScriptEntry } from "./formats/linker-script.ts";
export { GraphTables } from "./graph/graph-tables.ts";
export { LinkGraph } from "./graph/link-graph.ts";
export { SectionKind, SectionTable } from "./graph/section-table.ts";
export { SymbolStringPool } from "./graph/symbol-string-pool.ts";
export { SymbolPlace, SymbolTable } from "./graph/symbol-table.ts";

// From what a command line names to inputs.

export { type FileOpener, readingOpener } from "./inputs/file-opener.ts";
export type { ArchiveInput, Input, InputItem, ObjectInput, SharedLibraryInput } from "./inputs/input.ts";
export { LibrarySearch, type LibrarySearchOptions } from "./inputs/library-search.ts";
export { type LoadOptions, loadInputs } from "./inputs/load-inputs.ts";
export { RuntimeLibraries, type RuntimeLibrary } from "./inputs/runtime-libraries.ts";

// A trace of all this, for Perfetto and chrome://tracing (docs/trace.md).

export type { RequestObserver } from "./epc/request-observer.ts";
export type { ChromeEvent, EventOptions } from "./trace/chrome-events.ts";
export type { ExecutorTrace } from "./trace/executor-trace.ts";
export { monotonicNow } from "./trace/monotonic-clock.ts";
export type { Span, SpanArguments, SpanBatch } from "./trace/span.ts";
export { SpanRecorder } from "./trace/span-recorder.ts";
export type { Steps } from "./trace/steps.ts";
export { traceText } from "./trace/trace-text.ts";
export { type ThreadTrace, Tracer, type TracerOptions } from "./trace/tracer.ts";

// Errors, all of them SlablinkErrors with a code.

export { RefusedError } from "./epc/calls.ts";
export { ProtocolError } from "./epc/protocol-error.ts";
export {
  type Crash,
  type CrashFrame,
  type ErrorCode,
  type ExecutorEnd,
  ExecutorError,
  LinkError,
  ObjectFormatError,
  SlablinkError,
  UsageError,
} from "./errors.ts";
export { DataOutOfReachError, type FarFunction, type FarVariable } from "./orc/plan-copies.ts";
export { StaticTlsError } from "./orc/static-tls-error.ts";
export { type SymbolReference, type UndefinedSymbol, UndefinedSymbolsError } from "./orc/undefined-symbols.ts";

// Modules and instances: what WebAssembly's JavaScript API is for wasm (docs/api.md).

export type { Callback } from "./instance/callbacks.ts";
export {
  type CompileOptions,
  compile,
  type ModuleInput,
  type NamedBytes,
  type NamedSource,
} from "./instance/compile.ts";
export { createPool, type PoolOptions } from "./instance/create-pool.ts";
export type { ExecutorChoice } from "./instance/executor-choice.ts";
export { type Import, type ImportFunction, importFunction } from "./instance/import-function.ts";
export { Instance, type ReplaceOptions } from "./instance/instance.ts";
export { type InstantiateOptions, instantiate } from "./instance/instantiate.ts";
export { Module } from "./instance/module.ts";
export type { ModuleContents, ModuleSection, ModuleSymbol } from "./instance/module-symbols.ts";
export type {
  CallForms,
  CallOptions,
  IsolatedFunction,
  LocalFunction,
  NativeFunctions,
  Signatures,
} from "./instance/native-functions.ts";
export { Pool, type PoolStats } from "./instance/pool.ts";
export { Session, type SessionOptions } from "./instance/session.ts";
