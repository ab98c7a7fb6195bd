import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { UsageError } from "../src/errors.ts";
import { fileError } from "../src/host/system-error.ts";

/** The variable that may hold the secret. */
export const SECRET_VARIABLE = "SLABLINK_SECRET";
/** Fewer bytes than this can be guessed. */
const LEAST = 16;
const MOST = 4096;

/**
 * The secret from a file, or from the environment, which loses it: programs do not get it. A line feed at its end does not count.
 * undefined when there is neither. Errors: UsageError when others can read the file, or when it is too short.
 */
export function readSecret(path: string | undefined): Uint8Array | undefined {
  const variable = process.env[SECRET_VARIABLE];
  delete process.env[SECRET_VARIABLE];
  if (path !== undefined) return checked(readPrivateFile(path), path);
  return variable === undefined ? undefined : checked(Buffer.from(variable), SECRET_VARIABLE);
}

function readPrivateFile(path: string): Buffer {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw fileError(path, cause);
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile()) throw new UsageError(`${path}: the secret must be in a regular file`);
    const own = process.getuid!();
    if (status.uid !== own && status.uid !== 0) {
      throw new UsageError(`${path}: the file of the secret belongs to user ${status.uid}, not to user ${own}`);
    }
    const mode = status.mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new UsageError(
        `${path}: others may use the secret's file (mode 0${mode.toString(8)}, expected 0600 or less): chmod 600`,
      );
    }
    if (status.size > MOST)
      throw new UsageError(`${path}: ${status.size} bytes are no secret, expected at most ${MOST}`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function checked(text: Buffer, where: string): Uint8Array {
  const end = text.at(-1) === 10 ? text.length - 1 : text.length;
  if (end >= LEAST) return text.subarray(0, end);
  throw new UsageError(
    `${where}: the secret has ${end} bytes, expected at least ${LEAST}; \`head -c 32 /dev/urandom | base64\` makes one`,
  );
}
