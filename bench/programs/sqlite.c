#include <sqlite3.h>
#include <stdio.h>

static int print(void *unused, int count, char **values, char **names) {
  (void)unused, (void)count, (void)names;
  puts(values[0]);
  return 0;
}

int main(void) {
  sqlite3 *database;
  if (sqlite3_open(":memory:", &database) != SQLITE_OK) return 1;
  const char *work =
      "CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT);"
      "WITH RECURSIVE up(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM up WHERE n < 999)"
      "  INSERT INTO numbers SELECT n, 'number ' || n FROM up;"
      "SELECT sum(number) FROM numbers WHERE text LIKE 'number %';";
  char *message = NULL;
  if (sqlite3_exec(database, work, print, NULL, &message) != SQLITE_OK) {
    fprintf(stderr, "%s\n", message);
    return 1;
  }
  sqlite3_close(database);
  return 0;
}
