import { koffi, type NativeFunction } from "./koffi.ts";

/** An address as a number, or bytes of ours whose address is passed. */
export type Pointer = number | Uint8Array;

/** C library functions as koffi types: result, parameters. Each is declared to koffi at its first use (20–60 µs). */
const DECLARATIONS = {
  mmap: ["intptr_t", "intptr_t", "size_t", "int", "int", "int", "int64_t"],
  munmap: ["int", "intptr_t", "size_t"],
  madvise: ["int", "intptr_t", "size_t", "int"],
  mprotect: ["int", "intptr_t", "size_t", "int"],
  memfd_create: ["int", "str", "uint"],
  ftruncate: ["int", "int", "int64_t"],
  fcntl: ["int", "int", "int", "int"],
  fallocate: ["int", "int", "int", "int64_t", "int64_t"],
  open: ["int", "str", "int", "uint"],
  close: ["int", "int"],
  dlopen: ["intptr_t", "str", "int"],
  dlsym: ["intptr_t", "intptr_t", "intptr_t"],
  dlvsym: ["intptr_t", "intptr_t", "intptr_t", "intptr_t"],
  dlclose: ["int", "intptr_t"],
  dlerror: ["str"],
  dlinfo: ["int", "intptr_t", "int", "void *"],
  memcpy: ["intptr_t", "void *", "void *", "size_t"],
  process_vm_readv: ["intptr_t", "int", "void *", "ulong", "void *", "ulong", "ulong"],
  process_vm_writev: ["intptr_t", "int", "void *", "ulong", "void *", "ulong", "ulong"],
  strerror: ["str", "int"],
  strlen: ["size_t", "intptr_t"],
  free: ["void", "intptr_t"],
  getrlimit: ["int", "int", "void *"],
  getrusage: ["int", "int", "void *"],
  pthread_attr_init: ["int", "void *"],
  pthread_attr_setstacksize: ["int", "void *", "size_t"],
  pthread_attr_destroy: ["int", "void *"],
  pthread_create: ["int", "void *", "void *", "intptr_t", "intptr_t"],
  pthread_join: ["int", "size_t", "void *"],
  pthread_timedjoin_np: ["int", "size_t", "void *", "void *"],
  pthread_self: ["size_t"],
  pthread_sigmask: ["int", "int", "void *", "void *"],
  pthread_attr_setsigmask_np: ["int", "void *", "void *"],
  sigaction: ["int", "int", "void *", "void *"],
  tgkill: ["int", "int", "int", "int"],
  prctl: ["int", "int", "intptr_t"],
  personality: ["int", "ulong"],
  setvbuf: ["int", "intptr_t", "intptr_t", "int", "size_t"],
  pthread_key_create: ["int", "void *", "intptr_t"],
  on_exit: ["int", "intptr_t", "intptr_t"],
  socketpair: ["int", "int", "int", "int", "void *"],
  send: ["intptr_t", "int", "void *", "size_t", "int"],
  shutdown: ["int", "int", "int"],
  pipe2: ["int", "void *", "int"],
  getsockopt: ["int", "int", "int", "int", "void *", "void *"],
  poll: ["int", "void *", "ulong", "int"],
  posix_spawn: ["int", "void *", "str", "void *", "void *", "void *", "intptr_t"],
  posix_spawn_file_actions_init: ["int", "void *"],
  posix_spawn_file_actions_adddup2: ["int", "void *", "int", "int"],
  posix_spawn_file_actions_destroy: ["int", "void *"],
  waitpid: ["int", "int", "void *", "int"],
  waitid: ["int", "int", "uint", "void *", "int"],
  ptrace: ["long", "long", "int", "intptr_t", "void *"],
  syscall: ["long", "long", "long", "long"],
  _exit: ["void", "int"],
  sem_init: ["int", "intptr_t", "int", "uint"],
  sem_post: ["int", "intptr_t"],
  sem_wait: ["int", "intptr_t"],
} as const satisfies Record<string, readonly string[]>;

/** The C library's functions that slablink calls, as their manual pages have them; addresses are numbers. */
export interface Libc {
  mmap(address: number, size: number, protection: number, flags: number, fd: number, offset: number): number;
  munmap(address: number, size: number): number;
  madvise(address: number, size: number, advice: number): number;
  mprotect(address: number, size: number, protection: number): number;
  memfd_create(name: string, flags: number): number;
  /** Variadic; the mode is passed like any other argument. */
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
  ftruncate(fd: number, size: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  fallocate(fd: number, mode: number, offset: number, size: number): number;
  dlopen(path: string | null, flags: number): number;
  dlsym(handle: number, nameAddress: number): number;
  dlvsym(handle: number, nameAddress: number, versionAddress: number): number;
  dlclose(handle: number): number;
  dlerror(): string | null;
  dlinfo(handle: number, request: number, result: Uint8Array): number;
  memcpy(to: Pointer, from: Pointer, size: number): number;
  process_vm_readv(
    pid: number,
    local: Uint8Array,
    localCount: number,
    remote: Uint8Array,
    remoteCount: number,
    flags: number,
  ): number;
  process_vm_writev(
    pid: number,
    local: Uint8Array,
    localCount: number,
    remote: Uint8Array,
    remoteCount: number,
    flags: number,
  ): number;
  strerror(errno: number): string;
  strlen(text: number): number;
  free(memory: number): void;
  getrlimit(resource: number, result: Uint8Array): number;
  getrusage(who: number, usage: Uint8Array): number;
  pthread_attr_init(attributes: Uint8Array): number;
  pthread_attr_setstacksize(attributes: Uint8Array, size: number): number;
  pthread_attr_destroy(attributes: Uint8Array): number;
  pthread_create(thread: Uint8Array, attributes: Uint8Array, start: number, argument: number): number;
  pthread_join(thread: number, result: null): number;
  pthread_timedjoin_np(thread: number, result: null, deadline: Uint8Array): number;
  pthread_self(): number;
  pthread_sigmask(how: number, set: Uint8Array, before: Uint8Array | null): number;
  pthread_attr_setsigmask_np(attributes: Uint8Array, set: Uint8Array): number;
  sigaction(signal: number, action: Uint8Array, before: Uint8Array | null): number;
  tgkill(group: number, thread: number, signal: number): number;
  prctl(option: number, argument: number): number;
  personality(persona: number): number;
  setvbuf(stream: number, buffer: number, mode: number, size: number): number;
  pthread_key_create(key: Uint8Array, destructor: number): number;
  on_exit(handler: number, argument: number): number;
  socketpair(domain: number, type: number, protocol: number, pair: Uint8Array): number;
  send(fd: number, bytes: Uint8Array, size: number, flags: number): number;
  shutdown(fd: number, how: number): number;
  pipe2(ends: Uint8Array, flags: number): number;
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, size: Uint8Array): number;
  poll: {
    (descriptors: Uint8Array, count: number, milliseconds: number): number;
    async(
      descriptors: Uint8Array,
      count: number,
      milliseconds: number,
      done: (error: unknown, ready: number) => void,
    ): void;
  };
  posix_spawn(
    pid: Uint8Array,
    path: string,
    actions: Uint8Array,
    attributes: Uint8Array,
    argv: Uint8Array,
    environment: number,
  ): number;
  posix_spawn_file_actions_init(actions: Uint8Array): number;
  posix_spawn_file_actions_adddup2(actions: Uint8Array, fd: number, newFd: number): number;
  posix_spawn_file_actions_destroy(actions: Uint8Array): number;
  waitpid: {
    (pid: number, status: Uint8Array, options: number): number;
    async(pid: number, status: Uint8Array, options: number, done: (error: unknown, pid: number) => void): void;
  };
  waitid(idType: number, id: number, info: Uint8Array, options: number): number;
  ptrace(request: number, pid: number, address: number, data: Pointer): number;
  syscall(number: number, first: number, second: number): number;
  _exit(status: number): void;
  sem_init(semaphore: number, shared: number, value: number): number;
  sem_post(semaphore: number): number;
  sem_wait: { async(semaphore: number, done: (error: unknown, status: number) => void): void };
}

let library: ReturnType<ReturnType<typeof koffi>["load"]> | undefined;

/** Where a function is found that the object below does not have yet: it gets it. */
const undeclared = new Proxy(
  {},
  {
    get(_, name): NativeFunction | undefined {
      if (!Object.hasOwn(DECLARATIONS, name)) return undefined;
      const [result, ...parameters] = DECLARATIONS[name as keyof typeof DECLARATIONS];
      library ??= koffi().load(null);
      const value = library.func(name as string, result, parameters);
      Object.defineProperty(libc, name, { value, configurable: true });
      return value;
    },
  },
);

/** The C library of this process. Declaring a function takes 10 µs, getters for all of them 0.2 ms: each comes when it is asked for. */
export const libc = Object.create(undeclared) as Libc;

/** The calling thread's errno as the last native call left it. */
export function errno(): number {
  return koffi().errno();
}
