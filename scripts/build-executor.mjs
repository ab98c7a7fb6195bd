// Compiles the native side of slablink into executor/build, with $CC or cc:
//   slablink-executor      the process: executor/, and in it services/, crash/, supervisor/
//   slablink-services.so   its services as a library, which LLVM's executors load: services/, library/
//   slablink-interpose.o   what slablink itself links into the process beside some programs: linked/
//   slablink-calls.o       what it links there for typed calls: linked/calls*
//   slablink-lazy.o        and for functions that are linked when they are called: linked/lazy.c
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "executor");
const binary = join(folder, "build", "slablink-executor");
const exported = join(folder, "exported-symbols.txt");
const services = join(folder, "build", "slablink-services.so");
const linkedObject = join(folder, "build", "slablink-interpose.o");
const callsObject = join(folder, "build", "slablink-calls.o");
const lazyObject = join(folder, "build", "slablink-lazy.o");

// Non-PIE: its copies of the C library's data must lie below 2 GiB (data.c). Hidden visibility and the dynamic list:
// nothing of the executor's own may bind a linked program's undefined names.
const FLAGS = [
  ...["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-pie", "-no-pie", "-pthread"],
  ...["-I", folder],
  ...["-fvisibility=hidden", `-Wl,--dynamic-list=${exported}`],
];
const LIBRARIES = ["-ldl", "-lrt"];

// For tests, with names in reports; the first report ends the process.
const SANITIZED_FLAGS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all"];

// It replaces the program's functions in libraries, so it must not call any that a compiler inserts.
const LINKED_FLAGS = [
  ...["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden"],
  ...["-fno-stack-protector", "-U_FORTIFY_SOURCE", "-nostdlib", "-r"],
];

const SERVICES_FLAGS = [
  ...["-std=c11", "-D_GNU_SOURCE", "-DSLABLINK_SERVICES", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-pthread"],
  ...["-I", folder, "-shared", "-fvisibility=hidden", "-Wl,--no-undefined"],
];

/**
 * Builds the executor if a source is newer than it or it is missing, and returns its path. Concurrent builds are safe:
 * each compiles to a name of its own and renames. Throws an Error that says what to do when there is no compiler, or
 * with the compiler's output when it fails.
 */
export function buildExecutor() {
  buildLinked();
  buildServices();
  return buildNative(binary, []);
}

/**
 * The same with the compiler's `-fsanitize=` for `sanitizers` ("thread", "address,undefined"): dist/executor-SANITIZERS, which only
 * tests use. Throws as buildExecutor does.
 */
export function buildSanitizedExecutor(sanitizers) {
  const output = join(root, "dist", `executor-${sanitizers.replaceAll(",", "-")}`);
  return buildNative(output, [...SANITIZED_FLAGS, `-fsanitize=${sanitizers}`]);
}

function buildNative(output, flags) {
  const inputs = ["", "services", "crash", "supervisor"].flatMap(filesIn);
  build(output, [...inputs, exported], [...FLAGS, ...flags, ...inputs.filter(isSource), ...LIBRARIES]);
  return output;
}

/** The services as a library, for the executors of others. */
function buildServices() {
  const inputs = ["services", "library"].flatMap(filesIn);
  const headers = ["", "crash"].flatMap(filesIn).filter((path) => !isSource(path));
  build(services, [...inputs, ...headers], [...SERVICES_FLAGS, ...inputs.filter(isSource), ...LIBRARIES]);
}

/** The objects for programs that replace functions of libraries, for calls, and for functions that are linked late. */
function buildLinked() {
  const isFor = (word) => (path) => basename(path).startsWith(word);
  const inputs = filesIn("linked");
  for (const [output, files] of [
    [linkedObject, inputs.filter((path) => !isFor("calls")(path) && !isFor("lazy")(path))],
    [callsObject, inputs.filter(isFor("calls"))],
    [lazyObject, inputs.filter(isFor("lazy"))],
  ]) {
    build(output, files, [...LINKED_FLAGS, ...files.filter(isSource)]);
  }
}

/** The C files of a folder of the executor's. */
function filesIn(name) {
  const names = readdirSync(join(folder, name)).filter((file) => /\.[ch]$/.test(file));
  return names.map((file) => join(folder, name, file));
}

function isSource(path) {
  return path.endsWith(".c");
}

/** Compiles and links `output` unless it is newer than all `inputs`. */
function build(output, inputs, words) {
  if (existsSync(output)) {
    const built = statSync(output).mtimeMs;
    const all = [...inputs, fileURLToPath(import.meta.url)];
    if (all.every((input) => statSync(input).mtimeMs <= built)) return;
  }
  mkdirSync(dirname(output), { recursive: true });
  const compiler = (process.env.CC ?? "").trim().split(/\s+/).filter(Boolean);
  if (compiler.length === 0) compiler.push("cc");
  const temporary = `${output}.${process.pid}`;
  try {
    const args = [...compiler.slice(1), ...words, "-o", temporary];
    const result = spawnSync(compiler[0], args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
    if (result.error?.code === "ENOENT") {
      throw new Error(
        `slablink: the executor needs a C compiler, and ${compiler[0]} is not there; install gcc or clang, or set CC`,
      );
    }
    if (result.error) throw new Error(`slablink: ${compiler[0]} cannot be started: ${result.error.message}`);
    if (result.status !== 0) {
      const how = result.signal ? `died of ${result.signal}` : `ended with status ${result.status}`;
      throw new Error(
        `slablink: building the executor: ${compiler.join(" ")} ${how}\n${result.stderr}${result.stdout}`,
      );
    }
    renameSync(temporary, output);
  } finally {
    rmSync(temporary, { force: true });
  }
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  try {
    console.log(buildExecutor());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
