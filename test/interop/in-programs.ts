import { join } from "node:path";
import { compile } from "../support/compile.ts";

const HELLO = `
#include <stdio.h>
static int numbers[] = {1, 2, 3, 4};
int main(int argc, char **argv) {
  int sum = 0;
  for (int i = 0; i < 4; i++) sum += numbers[i];
  printf("hello %d %d %s\\n", sum, argc, argc > 1 ? argv[1] : "-");
  fflush(stdout);
  return 7;
}
`;

const EXCEPTIONS = `
#include <cstdio>
#include <stdexcept>
#include <string>
__attribute__((noinline)) int check(int n) {
  if (n > 2) throw std::runtime_error("too large: " + std::to_string(n));
  return n;
}
int main() {
  int caught = 0;
  for (int i = 0; i < 5; i++) {
    try {
      check(i);
    } catch (const std::exception &error) {
      std::printf("%s\\n", error.what());
      caught++;
    }
  }
  std::fflush(stdout);
  return caught;
}
`;

const CONSTRUCTORS = `
#include <cstdio>
struct Noisy {
  int number;
  explicit Noisy(int n) : number(n) { std::printf("constructed %d\\n", n); }
  ~Noisy() { std::printf("destroyed %d\\n", number); std::fflush(stdout); }
};
static Noisy one(1), two(2);
__attribute__((constructor)) static void early() { std::printf("early\\n"); }
int main() {
  std::printf("main %d\\n", one.number + two.number);
  std::fflush(stdout);
  return 3;
}
`;

const PYTHON =
  "int Py_BytesMain(int, char **);\nint main(int argc, char **argv) { return Py_BytesMain(argc, argv); }\n";

/** A program, as words for llvm-jitlink, and what it does when it runs. */
export interface Program {
  readonly name: string;
  /** Files that have to be there (`has`). */
  readonly needs: readonly string[];
  words(): Promise<string[]>;
  readonly stdout: string;
  readonly status: number;
}

const object = (compiler: string, name: string, text: string): Promise<string> =>
  compile([compiler, "-fPIC", "-O1"], name, text);

const library = (name: string): string[] => ["-preload", name];

export const programs: readonly Program[] = [
  {
    name: "hello",
    needs: ["cc"],
    words: async () => [await object("cc", "hello.c", HELLO), "-args", "a", "b c"],
    stdout: "hello 10 2 b c\n",
    status: 7,
  },
  {
    name: "C++ exceptions",
    needs: ["c++"],
    words: async () => [await object("c++", "exceptions.cc", EXCEPTIONS)],
    stdout: "too large: 3\ntoo large: 4\n",
    status: 2,
  },
  {
    name: "constructors",
    needs: ["c++"],
    words: async () => [await object("c++", "constructors.cc", CONSTRUCTORS)],
    stdout: "early\nconstructed 1\nconstructed 2\nmain 3\ndestroyed 2\ndestroyed 1\n",
    status: 3,
  },
  {
    name: "CPython",
    needs: ["cc", "libpython3.11-pic.a"],
    words: async () => [
      await object("cc", "python.c", PYTHON),
      join("/usr/lib/python3.11/config-3.11-x86_64-linux-gnu", "libpython3.11-pic.a"),
      ...["libexpat.so.1", "libz.so.1", "libm.so.6"].flatMap(library),
      ...["-args", "python", "-c", "print(sum(range(10)))"],
    ],
    stdout: "45\n",
    status: 0,
  },
];
