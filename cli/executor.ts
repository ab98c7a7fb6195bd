import { parseEndpoint } from "../src/epc/endpoint.ts";
import { UsageError } from "../src/errors.ts";
import { isLoopback } from "./bind.ts";
import type { ListenOptions } from "./listen.ts";
import { type Option, parseCount, parseOptions } from "./options.ts";
import { readSecret, SECRET_VARIABLE } from "./secret.ts";
import { writeOutput } from "./terminal.ts";

/** Controllers at a time, unless told otherwise. */
const MAX_CONNECTIONS = 16;

interface Words {
  listen?: string;
  secretFile?: string;
  once: boolean;
  maxConnections: number;
  beyondLoopback: boolean;
  llvm: boolean;
}

/** `slablink executor --print-path`, `slablink executor --listen PLACE`. */
export async function command(words: string[]): Promise<number> {
  let print = false;
  let help = false;
  const given: Words = { once: false, maxConnections: MAX_CONNECTIONS, beyondLoopback: false, llvm: false };
  const flag = (names: string[], set: () => void): Option => ({ names, set });
  const options: Option[] = [
    flag(["--print-path"], () => {
      print = true;
    }),
    flag(["--help", "-h"], () => {
      help = true;
    }),
    {
      names: ["--listen"],
      value: "unix:PATH|tcp:ADDRESS:PORT",
      set: (text) => {
        given.listen = text;
      },
    },
    {
      names: ["--secret-file"],
      value: "FILE",
      set: (path) => {
        given.secretFile = path;
      },
    },
    {
      names: ["--max-connections"],
      value: "N",
      set: (text, name) => {
        given.maxConnections = parseCount(text, name);
      },
    },
    flag(["--once"], () => {
      given.once = true;
    }),
    flag(["--beyond-loopback"], () => {
      given.beyondLoopback = true;
    }),
    flag(["--llvm-unauthenticated"], () => {
      given.llvm = true;
    }),
  ];
  const refuse = (word: string): never => {
    throw new UsageError(`'${word}' is not expected here; see \`slablink executor --help\``);
  };
  parseOptions(words, options, refuse, "executor").forEach(refuse);
  if (help) return (await import("./help.ts")).command(["executor"]);
  if (given.listen !== undefined) {
    const checked = checkListening(given, given.listen);
    return (await import("./listen.ts")).listen(checked);
  }
  if (!print) throw new UsageError("nothing to do; see `slablink executor --help`");
  const { executorPath } = await import("../src/orc/executor-path.ts");
  writeOutput(`${executorPath()}\n`);
  return 0;
}

/** Who may come in must have been said. */
function checkListening(words: Words, place: string): ListenOptions {
  const { once, maxConnections, llvm, secretFile } = words;
  const endpoint = parseEndpoint(place, "--listen");
  if (endpoint.kind === "unix") {
    if (llvm) throw new UsageError("--llvm-unauthenticated is for TCP: LLVM's controllers know no Unix sockets");
    if (secretFile !== undefined)
      throw new UsageError("--secret-file is for TCP: over a Unix socket the kernel says whose a controller is");
    return { endpoint, once, maxConnections, llvm };
  }
  const { host } = endpoint;
  if (llvm) {
    if (!isLoopback(host))
      throw new UsageError(`--llvm-unauthenticated: ${host} is no loopback address; whoever reached it could run code`);
    if (secretFile !== undefined) throw new UsageError("--llvm-unauthenticated and --secret-file exclude each other");
    return { endpoint, once, maxConnections, llvm };
  }
  if (!isLoopback(host) && !words.beyondLoopback) {
    throw new UsageError(
      `--listen: ${host} is no loopback address; --beyond-loopback allows that, the stream is not encrypted (use ssh where others may listen in)`,
    );
  }
  const secret = readSecret(secretFile);
  if (secret === undefined) {
    throw new UsageError(
      `--listen tcp: a secret is needed, from --secret-file or the environment's ${SECRET_VARIABLE}`,
    );
  }
  return { endpoint, secret, once, maxConnections, llvm };
}
