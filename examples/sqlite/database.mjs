// SQLite with the few functions that a small program needs, by their C declarations: https://www.sqlite.org/c3ref/funclist.html
import { compile, instantiate } from "slablink";

/** @typedef {number | bigint | string | Uint8Array | boolean | null} Value What a parameter may be. */
/** @typedef {Record<string, number | bigint | string | Uint8Array | null>} Row A row, by its columns' names. */

const OK = 0;
const ROW = 100;
const DONE = 101;
const INTEGER = 1;
const FLOAT = 2;
const TEXT = 3;
const BLOB = 4;
/** SQLite copies what it is given at once. */
const TRANSIENT = -1;

/** `sqlite3` and `sqlite3_stmt` are addresses to us. */
const declarations = {
  sqlite3_libversion: "const char *sqlite3_libversion(void)",
  sqlite3_open: "int sqlite3_open(const char *, void *)",
  sqlite3_close: "int sqlite3_close(void *)",
  sqlite3_errmsg: "const char *sqlite3_errmsg(void *)",
  sqlite3_changes: "int sqlite3_changes(void *)",
  sqlite3_last_insert_rowid: "int64_t sqlite3_last_insert_rowid(void *)",
  sqlite3_prepare_v2: "int sqlite3_prepare_v2(void *, const char *, int, void *, void *)",
  sqlite3_step: "int sqlite3_step(void *)",
  sqlite3_reset: "int sqlite3_reset(void *)",
  sqlite3_clear_bindings: "int sqlite3_clear_bindings(void *)",
  sqlite3_finalize: "int sqlite3_finalize(void *)",
  sqlite3_bind_parameter_count: "int sqlite3_bind_parameter_count(void *)",
  sqlite3_bind_null: "int sqlite3_bind_null(void *, int)",
  sqlite3_bind_int64: "int sqlite3_bind_int64(void *, int, int64_t)",
  sqlite3_bind_double: "int sqlite3_bind_double(void *, int, double)",
  sqlite3_bind_text: "int sqlite3_bind_text(void *, int, const char *, int, void *)",
  sqlite3_bind_blob: "int sqlite3_bind_blob(void *, int, const void *, int, void *)",
  sqlite3_bind_zeroblob: "int sqlite3_bind_zeroblob(void *, int, int)",
  sqlite3_column_count: "int sqlite3_column_count(void *)",
  sqlite3_column_name: "const char *sqlite3_column_name(void *, int)",
  sqlite3_column_type: "int sqlite3_column_type(void *, int)",
  sqlite3_column_int64: "int64_t sqlite3_column_int64(void *, int)",
  sqlite3_column_double: "double sqlite3_column_double(void *, int)",
  sqlite3_column_text: "const char *sqlite3_column_text(void *, int)",
  sqlite3_column_blob: "const void *sqlite3_column_blob(void *, int)",
  sqlite3_column_bytes: "int sqlite3_column_bytes(void *, int)",
};

/** What SQLite has refused. */
export class DatabaseError extends Error {
  name = "DatabaseError";

  /** @param {string} message @param {number} code SQLite's result code. */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/** The archive is read once; every database links it anew, into its own process or into this one. */
let library;

/** One database, with a SQLite of its own. The same code serves both modes: what a call gives in this process need not be awaited, but may be. */
export class Database {
  #instance;
  #handle;
  /** Where SQLite writes an address. @type {BigUint64Array} */
  #place;

  /**
   * @param {string} path `:memory:` for none.
   * @param {{ isolated?: boolean }} [options] Whether SQLite runs in a process of its own.
   */
  static async open(path, { isolated = false } = {}) {
    library ??= compile("-l:libsqlite3.a");
    const database = new Database();
    database.#instance = await instantiate(await library, { isolated, exports: declarations });
    try {
      database.#place = await database.#instance.session.allocate(BigUint64Array, 1);
      const code = await database.sqlite.sqlite3_open(path, database.#place);
      database.#handle = Number(database.#place[0]);
      await database.check(code);
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** SQLite's functions. */
  get sqlite() {
    return this.#instance.exports;
  }

  /** Memory of the process that SQLite is in. */
  get memory() {
    return this.#instance.memory;
  }

  /** @returns {Promise<string>} */
  async version() {
    return this.sqlite.sqlite3_libversion();
  }

  /** A statement, for any number of runs. Errors: DatabaseError. @param {string} sql */
  async prepare(sql) {
    const code = await this.sqlite.sqlite3_prepare_v2(this.#handle, sql, -1, this.#place, null);
    await this.check(code);
    return new Statement(this, Number(this.#place[0]));
  }

  /** Runs a statement once. @param {string} sql @param {...Value} parameters */
  async run(sql, ...parameters) {
    return this.#once(sql, (statement) => statement.run(...parameters));
  }

  /** All rows of a query. @param {string} sql @param {...Value} parameters @returns {Promise<Row[]>} */
  async all(sql, ...parameters) {
    return this.#once(sql, (statement) => statement.all(...parameters));
  }

  /** What the last change was: how many rows, and the id of the last new one. */
  async lastChange() {
    const { sqlite } = this;
    return {
      changes: await sqlite.sqlite3_changes(this.#handle),
      id: await sqlite.sqlite3_last_insert_rowid(this.#handle),
    };
  }

  /** Ends SQLite, and its process. Statements must have been finalized. */
  async close() {
    try {
      if (this.#handle) await this.sqlite.sqlite3_close(this.#handle);
      this.#handle = undefined;
    } finally {
      await this.#instance.dispose();
    }
  }

  /** Errors: DatabaseError with SQLite's words for a code that is one. @param {number} code */
  async check(code) {
    if (code === OK || code === ROW || code === DONE) return code;
    throw new DatabaseError(await this.sqlite.sqlite3_errmsg(this.#handle), code);
  }

  async #once(sql, use) {
    const statement = await this.prepare(sql);
    try {
      return await use(statement);
    } finally {
      await statement.finalize();
    }
  }
}

/** A prepared statement. */
class Statement {
  #database;
  #handle;

  /** @param {Database} database @param {number} handle */
  constructor(database, handle) {
    this.#database = database;
    this.#handle = handle;
  }

  /** @param {...Value} parameters */
  async run(...parameters) {
    await this.all(...parameters);
    return this.#database.lastChange();
  }

  /** @param {...Value} parameters @returns {Promise<Row[]>} */
  async all(...parameters) {
    const { sqlite } = this.#database;
    const rows = [];
    try {
      await this.#bind(parameters);
      while ((await this.#database.check(await sqlite.sqlite3_step(this.#handle))) === ROW)
        rows.push(await this.#row());
    } finally {
      await sqlite.sqlite3_reset(this.#handle);
      await sqlite.sqlite3_clear_bindings(this.#handle);
    }
    return rows;
  }

  async finalize() {
    await this.#database.sqlite.sqlite3_finalize(this.#handle);
  }

  /** @param {Value[]} parameters */
  async #bind(parameters) {
    const count = await this.#database.sqlite.sqlite3_bind_parameter_count(this.#handle);
    if (count !== parameters.length)
      throw new RangeError(`${parameters.length} parameters, the statement has ${count}`);
    for (const [i, value] of parameters.entries()) await this.#database.check(await this.#bindOne(i + 1, value));
  }

  #bindOne(index, value) {
    const { sqlite } = this.#database;
    if (value === null) return sqlite.sqlite3_bind_null(this.#handle, index);
    if (typeof value === "string") return sqlite.sqlite3_bind_text(this.#handle, index, value, -1, TRANSIENT);
    if (typeof value === "boolean") return sqlite.sqlite3_bind_int64(this.#handle, index, Number(value));
    if (typeof value === "bigint" || Number.isSafeInteger(value)) {
      return sqlite.sqlite3_bind_int64(this.#handle, index, value);
    }
    if (typeof value === "number") return sqlite.sqlite3_bind_double(this.#handle, index, value);
    if (value.length === 0) return sqlite.sqlite3_bind_zeroblob(this.#handle, index, 0);
    return sqlite.sqlite3_bind_blob(this.#handle, index, value, value.byteLength, TRANSIENT);
  }

  async #row() {
    const { sqlite } = this.#database;
    const row = {};
    const count = await sqlite.sqlite3_column_count(this.#handle);
    for (let i = 0; i < count; i++) row[await sqlite.sqlite3_column_name(this.#handle, i)] = await this.#column(i);
    return row;
  }

  async #column(index) {
    const { sqlite, memory } = this.#database;
    switch (await sqlite.sqlite3_column_type(this.#handle, index)) {
      case INTEGER:
        return sqlite.sqlite3_column_int64(this.#handle, index);
      case FLOAT:
        return sqlite.sqlite3_column_double(this.#handle, index);
      case TEXT:
        return sqlite.sqlite3_column_text(this.#handle, index);
      case BLOB: {
        const address = await sqlite.sqlite3_column_blob(this.#handle, index);
        const size = await sqlite.sqlite3_column_bytes(this.#handle, index);
        return size === 0 ? new Uint8Array() : memory.read(address, size);
      }
      default:
        return null;
    }
  }
}
