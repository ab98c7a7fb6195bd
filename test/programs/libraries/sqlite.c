// The SQLite library from its archive, behind a small driver: schema, transactions, a function and an ordering of the program's own, a file on disk.
// compile: {gcc,clang-22} -O2 {-fPIE,-fno-pic}
// inputs: sqlite.o lib:libsqlite3.a -lm -lz -ldl -lpthread
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check(int code, sqlite3 *database, const char *what) {
  if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
  printf("%s: %s\n", what, sqlite3_errmsg(database));
  exit(1);
}

static int row(void *count, int columns, char **values, char **names) {
  ++*(int *)count;
  for (int i = 0; i < columns; i++) printf("%s%s=%s", i ? ", " : "", names[i], values[i] ? values[i] : "null");
  putchar('\n');
  return 0;
}

static void cube(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  long n = sqlite3_value_int64(values[0]);
  sqlite3_result_int64(context, n * n * n);
}

static int backwards(void *data, int na, const void *a, int nb, const void *b) {
  (void)data;
  int order = memcmp(b, a, na < nb ? na : nb);
  return order ? order : nb - na;
}

int main(void) {
  char path[] = "/tmp/slablink-sqlite-XXXXXX";
  int descriptor = mkstemp(path);
  sqlite3 *database;
  check(sqlite3_open(path, &database), database, "open");
  check(sqlite3_create_function(database, "cube", 1, SQLITE_UTF8, NULL, cube, NULL, NULL), database, "function");
  check(sqlite3_create_collation(database, "backwards", SQLITE_UTF8, NULL, backwards), database, "collation");
  check(sqlite3_exec(database, "create table t(id integer primary key, name text, score real)", NULL, NULL, NULL), database, "create");
  sqlite3_exec(database, "begin", NULL, NULL, NULL);
  sqlite3_stmt *insert;
  check(sqlite3_prepare_v2(database, "insert into t(name, score) values (?, ?)", -1, &insert, NULL), database, "prepare");
  for (int i = 0; i < 2000; i++) {
    char name[20];
    snprintf(name, sizeof name, "name %d", i % 50);
    sqlite3_bind_text(insert, 1, name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_double(insert, 2, i / 8.0);
    check(sqlite3_step(insert), database, "insert");
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  check(sqlite3_exec(database, "commit; create index by_name on t(name)", NULL, NULL, NULL), database, "commit");
  int rows = 0;
  const char *select =
      "select name, count(*) as n, round(avg(score), 3) as mean, cube(max(id)) as cubed from t "
      "group by name having n > 1 order by name collate backwards limit 5";
  check(sqlite3_exec(database, select, row, &rows, NULL), database, "select");
  sqlite3_exec(database, "with recursive f(a, b) as (values(0, 1) union all select b, a + b from f limit 30) select max(a) as fib from f", row, &rows, NULL);
  printf("%d rows, error: %d, %s\n", rows, sqlite3_exec(database, "select * from nothing", NULL, NULL, NULL), sqlite3_errmsg(database));
  printf("%d\n", sqlite3_close(database));
  close(descriptor);
  return unlink(path);
}
