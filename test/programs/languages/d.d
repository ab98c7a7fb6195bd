// D: module constructors and their order, thread-locals by default, the collector, exceptions chained through scopes, threads, fibers.
// compile: gdc -O1 {-fPIE,-fPIC -g}
// compile: gdc -O0 -fno-pic
// inputs: d.o other.o lib:libgphobos.a lib:libgdruntime.a -lz -lpthread -lm -ldl
// args: x yz
// status: 3
module d;
import core.exception : RangeError;
import core.memory, core.thread, core.sync.mutex, core.atomic;
import other;
import std.stdio, std.algorithm, std.range, std.conv, std.string, std.exception, std.concurrency, std.parallelism;
import std.format, std.container.rbtree, std.bigint;

int local = 5;
__gshared int everywhere;
shared int counted;
shared static this() { writeln("shared constructor, other ", ready); }
shared static ~this() { writeln("shared destructor"); }
static this() { local++; }
static ~this() { atomicOp!"+="(counted, 1); }


class Base { int id; this(int i) { id = i; } int f() { return id; } ~this() { atomicOp!"+="(counted, 100); } }
class Derived : Base { this() { super(7); } override int f() { return super.f() * 2; } }
interface Named { string name(); }
class Both : Derived, Named { string name() { return "both"; } }
struct Guard { int id; ~this() { write("~", id, " "); } }
extern (C) int called_from_c(int x) { return x + local; }
extern (C) int compare(const void* a, const void* b) { return *cast(int*) a - *cast(int*) b; }
extern (C) void qsort(void*, size_t, size_t, typeof(&compare));

void thrower(int depth) {
  auto guard = Guard(depth);
  scope (failure) write("failure ");
  scope (exit) write("exit ");
  if (depth == 0) throw new Exception("bottom");
  try thrower(depth - 1);
  catch (Exception e) { throw new ConvException("outer", __FILE__, __LINE__, e); }
}

int main(string[] args) {
  writeln(args[1 .. $], " ", local);
  try thrower(2);
  catch (Exception e) writeln(e.msg, " <- ", e.next ? e.next.msg : "", " ", typeid(e).name);
  Object o = new Both;
  writeln((cast(Derived) o).f(), " ", (cast(Named) o).name, " ", cast(Derived) new Object is null, " ", o.classinfo.name);
  auto thread = new Thread({ local += 10; everywhere = local; }).start();
  thread.join();
  writeln(local, " ", everywhere, " ", counted >= 1);
  int[string] table;
  foreach (word; "a b a c b a".split) table[word]++;
  writeln(table.keys.sort.map!(k => format("%s=%d", k, table[k])).join(","));
  auto fiber = new Fiber({ foreach (i; 0 .. 3) { write(i, " "); Fiber.yield(); } throw new Exception("from the fiber"); });
  try while (fiber.state != Fiber.State.TERM) fiber.call();
  catch (Exception e) writeln(e.msg);
  foreach (i; 0 .. 200_000) { auto garbage = new ubyte[](64); garbage[0] = 1; }
  GC.collect();
  writeln(GC.stats.usedSize > 0, " ", taskPool.reduce!"a + b"(iota(1000)));
  auto child = spawn((Tid parent) { parent.send(receiveOnly!int * 2); }, thisTid);
  child.send(21);
  writeln(receiveOnly!int);
  writeln(BigInt("123456789012345678901234567890") * 3, " ", redBlackTree(3, 1, 2)[].array);
  writeln(collectException!RangeError(["x"][args.length]) !is null);
  int[3] numbers = [3, 1, 2];
  qsort(numbers.ptr, 3, 4, &compare);
  writeln(numbers, " ", call_back(&called_from_c, 4), " ", lazily(local * 2));
  final switch (args.length) { case 3: break; }
  stdout.flush();
  return 3;
}
// file: other.d
module other;
int ready;
shared static this() { ready = 1; }
int twice(int x) { return x * 2; }
int lazily(lazy int x) { return x + x; }
extern (C) alias Callback = int function(int);
int call_back(Callback f, int x) { return f(x) + f(x); }
