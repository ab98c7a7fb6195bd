// A database in memory, by Debian's libsqlite3.a, which is linked when the program runs.
//     node examples/sqlite/main.mjs [--isolated]           (SQLite in this process, or in one of its own)
import { Database } from "./database.mjs";

const isolated = process.argv.includes("--isolated");
const database = await Database.open(":memory:", { isolated });
try {
  console.log(`SQLite ${await database.version()}, ${isolated ? "in a process of its own" : "in this process"}`);

  await database.run("CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT UNIQUE, area REAL, sketch BLOB)");
  const insert = await database.prepare("INSERT INTO city VALUES (?, ?, ?, ?)");
  await insert.run(1, "Zürich", 87.88, new Uint8Array([0xca, 0xfe, 0x00, 0x01]));
  await insert.run(2, "東京", 2194.07, null);
  const { changes, id } = await insert.run(2n ** 60n + 1n, "Nowhere", null, new Uint8Array());
  await insert.finalize();
  console.log(`the last change: ${changes} row, id ${id}`);

  for (const row of await database.all("SELECT * FROM city ORDER BY id")) console.log(row);
  console.log(await database.all("SELECT count(*) AS cities, avg(area) AS area FROM city WHERE area > ?", 50.5));

  await database.run("INSERT INTO city (name) VALUES (?)", "Zürich").catch((error) => {
    console.log(`${error.name} ${error.code}: ${error.message}`);
  });
} finally {
  await database.close();
}
