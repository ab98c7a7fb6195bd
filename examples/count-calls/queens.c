// Ways to put N queens on an N × N board so that none threatens another.

#include <stdlib.h>

int is_free(const int *columns, int row, int column);
int place(int *columns, int row, int size);

int is_free(const int *columns, int row, int column) {
  for (int i = 0; i < row; i++) {
    if (columns[i] == column || abs(columns[i] - column) == row - i) return 0;
  }
  return 1;
}

int place(int *columns, int row, int size) {
  if (row == size) return 1;
  int ways = 0;
  for (int column = 0; column < size; column++) {
    if (!is_free(columns, row, column)) continue;
    columns[row] = column;
    ways += place(columns, row + 1, size);
  }
  return ways;
}

int queens(int size) {
  int *columns = malloc(size * sizeof *columns);
  int ways = place(columns, 0, size);
  free(columns);
  return ways;
}
