import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { executorPath } from "../epc/executors.ts";
import { mustRun } from "../support/compile.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { freshDirectory } from "../support/workspace.ts";
import { checkWay, memoryBy, runBy } from "./program.ts";

const SSHD = "/usr/sbin/sshd";

/** A port of the loopback interface that was free just now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An sshd of this test's own, with its own keys; `ssh` is the command line that gets to it. */
async function startSshd(): Promise<{ ssh: string; daemon: ChildProcess; log: () => string }> {
  const folder = freshDirectory();
  for (const name of ["host", "user"]) {
    await mustRun("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
  }
  // sshd drops its rights into this directory, which Debian makes at the start of the service.
  if (process.getuid!() === 0 && !existsSync("/run/sshd")) mkdirSync("/run/sshd", { mode: 0o755 });
  const port = await freePort();
  const settings = [
    ...[`Port ${port}`, "ListenAddress 127.0.0.1", `HostKey ${join(folder, "host")}`, "PidFile none", "UsePAM no"],
    ...[`AuthorizedKeysFile ${join(folder, "user.pub")}`, "StrictModes no", "PasswordAuthentication no"],
    ...["KbdInteractiveAuthentication no", "PermitRootLogin yes", "LogLevel ERROR"],
  ];
  const config = join(folder, "sshd_config");
  writeFileSync(config, `${settings.join("\n")}\n`);
  chmodSync(join(folder, "user"), 0o600);
  const daemon = spawn(SSHD, ["-D", "-e", "-f", config], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  daemon.stderr.on("data", (chunk) => {
    log += chunk;
  });
  const options = [
    ...["IdentitiesOnly=yes", "StrictHostKeyChecking=no", `UserKnownHostsFile=${join(folder, "known")}`],
    ...["BatchMode=yes", "LogLevel=ERROR", "ConnectionAttempts=20"],
  ];
  const words = options.map((option) => `-o ${option}`).join(" ");
  const { username } = userInfo();
  return {
    ssh: `ssh -F none -i ${join(folder, "user")} -p ${port} ${words} ${username}@127.0.0.1`,
    daemon,
    log: () => log,
  };
}

test("ssh is a way to an executor", async (t) => {
  if (!has(t, SSHD, "ssh", "ssh-keygen")) return;
  const { ssh, daemon, log } = await startSshd();
  try {
    const way = ["--executor-command", `${ssh} ${executorPath} --stdio`];
    await checkWay(way);
    assert.equal(await memoryBy(way), "shared", log());
    const must = await runBy(["--executor-command", `${ssh} /nowhere/slablink-executor --stdio`], []);
    assert.equal(must.status, 1);
    assert.match(
      must.stderr,
      /\/nowhere\/slablink-executor.*\nslablink: error: the command 'ssh .*' ended with exit status 127 before an executor answered\n$/s,
    );
    tableRow(
      "ways in",
      "ssh to this machine's sshd",
      "shared",
      "whom sshd lets in",
      "all streams, statuses and signals are the program's",
    );
    if (process.getuid!() === 0) {
      const apart = `${ssh} unshare --pid --fork --kill-child --mount-proc ${executorPath} --stdio`;
      assert.match(await memoryBy(["--executor-command", apart]), /^rpc \(/);
      assert.equal((await runBy(["--executor-command", apart], ["x"])).stdout, "hello 2 x\n");
      tableRow("ways in", "ssh, the executor in a PID namespace", "rpc", "whom sshd lets in", "runs");
    }
  } finally {
    daemon.kill("SIGTERM");
    await new Promise((resolve) => (daemon.exitCode === null ? daemon.on("close", resolve) : resolve(undefined)));
  }
});
