// D with its run-time library shared: module constructors of the library's own modules run as well, for the thread of main.
// compile: gdc -O1 {-fno-pic,-fPIC}
// inputs: dshared.o -lgphobos
// only: shared rpc
// because: in-process it is refused, as libraries are not loaded on the program's thread
import std.stdio, std.concurrency, std.bigint, core.thread;
int local = 3;
static this() { local *= 2; }
shared static this() { writeln("constructed"); }
int main() {
  auto fiber = new Fiber({ write("in the fiber, "); Fiber.yield(); throw new Exception("thrown in it"); });
  try while (fiber.state != Fiber.State.TERM) fiber.call();
  catch (Exception e) writeln(e.msg, " ", typeid(e).name);
  auto child = spawn((Tid parent) { local++; parent.send(receiveOnly!int * local); }, thisTid);
  child.send(6);
  writeln(receiveOnly!int, " ", local, " ", BigInt("12345678901234567890") * 1000 + 1);
  stdout.flush();
  return 0;
}
