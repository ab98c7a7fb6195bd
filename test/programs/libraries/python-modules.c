// CPython with modules that are shared libraries of their own and bind to the interpreter: ctypes, ssl, sqlite3, and a pool of forked processes.
// compile: gcc -O2 -I/usr/include/python3.11
// inputs: python-modules.o {lib:libpython3.11-pic.a,lib:libpython3.11.a} -lexpat -lz -lm
// reference: -no-pie -rdynamic
// args: -I script.py argument
// status: 3
#include <Python.h>

int main(int argc, char **argv) { return Py_BytesMain(argc, argv); }
// file: script.py
import ctypes
import hashlib
import json
import math
import multiprocessing
import os
import re
import signal
import sqlite3
import ssl
import subprocess
import sys
import threading
import zlib

print(sys.argv[1:], sys.version_info[:2])
print(json.dumps({"a": [1, 2.5, None], "b": "ü"}, sort_keys=True), json.loads('{"x": [true]}'))
print(re.sub(r"(\w+) (\w+)", r"\2 \1", "hello world"), math.sqrt(2))

libc = ctypes.CDLL(None)
print(libc.abs(-5))
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 5)(5, 3, 1, 4, 2)
libc.qsort(numbers, 5, 4, compare(lambda a, b: a[0] - b[0]))
print(list(numbers))
print(ctypes.pythonapi.Py_IsInitialized())

print(ssl.OPENSSL_VERSION.startswith("OpenSSL 3"), len(ssl.create_default_context().get_ciphers()) > 5)
print(hashlib.sha256(b"slablink").hexdigest()[:16], zlib.crc32(b"slablink"))

database = sqlite3.connect(":memory:")
database.execute("create table t (a integer, b text)")
database.executemany("insert into t values (?, ?)", [(i, str(i) * 2) for i in range(100)])
database.create_function("twice", 1, lambda x: 2 * x)
print(database.execute("select sum(twice(a)), max(b) from t where a % 7 = 0").fetchone())

lock = threading.Lock()
total = 0


def add(n):
    global total
    for _ in range(1000):
        with lock:
            total += n


threads = [threading.Thread(target=add, args=(i,)) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(total)

try:
    raise ValueError("caught")
except ValueError as error:
    print(repr(error))


def square(x):
    return x * x


context = multiprocessing.get_context("fork")
with context.Pool(3) as pool:
    print(pool.map(square, range(10)))
queue = context.Queue()
child = context.Process(target=lambda: queue.put([total, "from the child"]))
child.start()
print(queue.get())
child.join()
print(child.exitcode)

pid = os.fork()
if pid == 0:
    total = 0
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), total)
print(subprocess.run(["echo", "subprocess"], capture_output=True, text=True).stdout.strip())
signal.signal(signal.SIGUSR1, lambda number, frame: print("signal", number))
os.kill(os.getpid(), signal.SIGUSR1)
print("to the error stream", file=sys.stderr)
sys.exit(3)
