// The other side of a round trip over Node's own channel between processes (child_process.fork).
process.on("message", ([a, b]: [number, number]) => process.send!(a + b));
