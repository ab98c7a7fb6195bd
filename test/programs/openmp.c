// OpenMP: teams, reductions, schedules, tasks with dependencies, thread-private variables, critical sections, nested regions, locks.
// compile: gcc -O{0,2} -fopenmp {-fPIE,-fno-pic}
// link: -lgomp
// env: OMP_NUM_THREADS=4
#include <omp.h>
#include <stdio.h>

static int mine = 5;
#pragma omp threadprivate(mine)
static long total;
static double values[1000];

static int fibonacci(int n) {
  int a, b;
  if (n < 2) return n;
#pragma omp task shared(a) if (n > 8)
  a = fibonacci(n - 1);
#pragma omp task shared(b) if (n > 8)
  b = fibonacci(n - 2);
#pragma omp taskwait
  return a + b;
}

int main(void) {
  long sum = 0;
  int threads = 0;
#pragma omp parallel reduction(+ : sum) num_threads(4)
  {
#pragma omp single
    threads = omp_get_num_threads();
#pragma omp for schedule(dynamic, 7)
    for (int i = 0; i < 10000; i++) sum += i;
  }
  printf("%ld %d\n", sum, threads);
#pragma omp parallel for simd
  for (int i = 0; i < 1000; i++) values[i] = i * 0.5;
  double largest = 0;
#pragma omp parallel for reduction(max : largest) schedule(static)
  for (int i = 0; i < 1000; i++) largest = values[i] > largest ? values[i] : largest;
  printf("%g\n", largest);
#pragma omp parallel copyin(mine) num_threads(4)
  {
    mine += omp_get_thread_num();
#pragma omp critical
    total += mine;
#pragma omp atomic
    total += 100;
  }
  printf("%ld\n", total);
  int result = 0;
#pragma omp parallel
#pragma omp single
  result = fibonacci(20);
  printf("%d\n", result);
  int x = 0, y = 0;
#pragma omp parallel
#pragma omp single
  {
#pragma omp task depend(out : x)
    x = 3;
#pragma omp task depend(in : x) depend(out : y)
    y = x * 2;
#pragma omp task depend(in : y)
    printf("%d %d\n", x, y);
  }
  int order[4] = {0}, at = 0;
#pragma omp parallel for ordered num_threads(4)
  for (int i = 0; i < 4; i++) {
#pragma omp ordered
    order[at++] = i;
  }
  printf("%d%d%d%d\n", order[0], order[1], order[2], order[3]);
  omp_lock_t lock;
  omp_init_lock(&lock);
  int nested = 0;
  omp_set_max_active_levels(2);
#pragma omp parallel num_threads(2)
#pragma omp parallel num_threads(3)
  {
    omp_set_lock(&lock);
    nested++;
    omp_unset_lock(&lock);
  }
  omp_destroy_lock(&lock);
  printf("%d %d\n", nested, omp_get_max_threads());
#pragma omp parallel sections
  {
#pragma omp section
    x = 10;
#pragma omp section
    y = 20;
  }
  printf("%d\n", x + y);
  return 0;
}
