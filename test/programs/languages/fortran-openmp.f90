! Fortran with OpenMP: reductions, thread-private commons, tasks; libgomp as the library of the threads.
! compile: gfortran -O2 -fopenmp {-fPIE,-fno-pic}
! reference: -fopenmp
! inputs: fortran-openmp.o -lgomp {-lgfortran -lquadmath,lib:libgfortran.a lib:libquadmath.a} -lm -lpthread
! env: OMP_NUM_THREADS=3
program test
  use omp_lib
  implicit none
  integer :: i, mine, results(3)
  real(8) :: total, grid(200, 200)
  common /private/ mine
  !$omp threadprivate(/private/)
  total = 0
  !$omp parallel do reduction(+:total) schedule(dynamic)
  do i = 1, 1000
    total = total + 1d0 / i
  end do
  print '(F12.8)', total
  !$omp parallel copyin(/private/)
  mine = omp_get_thread_num() * 10
  !$omp barrier
  results(omp_get_thread_num() + 1) = mine
  !$omp end parallel
  print '(3I4)', results
  !$omp parallel workshare
  grid = 2d0
  !$omp end parallel workshare
  print *, int(sum(grid))
  !$omp parallel
  !$omp single
  do i = 1, 3
    !$omp task firstprivate(i)
    results(i) = fibonacci(10 + i)
    !$omp end task
  end do
  !$omp end single
  !$omp end parallel
  print '(3I5)', results
contains
  recursive integer function fibonacci(n) result(f)
    integer, intent(in) :: n
    if (n < 2) then
      f = n
    else
      f = fibonacci(n - 1) + fibonacci(n - 2)
    end if
  end function
end program
