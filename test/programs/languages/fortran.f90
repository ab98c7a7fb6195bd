! Fortran: modules, allocatables, formatted and namelist I/O, common blocks, polymorphism, 128-bit reals, C callbacks.
! compile: gfortran -O{0,2} {-fPIE,-fno-pic}
! compile: gfortran -O2 -fPIC -g -fcheck=all
! compile: gfortran -O1 -fno-pic -mcmodel=medium
! inputs: fortran.o helper.o {-lgfortran -lquadmath,lib:libgfortran.a lib:libquadmath.a} -lm
! reference: -static-libgfortran
! args: one two
! stdin: 17\nabc
! status: 7
module shapes
  use iso_c_binding
  implicit none
  integer, save :: kept = 5
  type, abstract :: shape
  contains
    procedure(area_of), deferred :: area
  end type
  type, extends(shape) :: circle
    real(8) :: r = 1
  contains
    procedure :: area => circle_area
    final :: gone
  end type
  type, extends(shape) :: square
    real(8) :: side = 2
  contains
    procedure :: area => square_area
  end type
  abstract interface
    real(8) function area_of(this)
      import :: shape
      class(shape), intent(in) :: this
    end function
  end interface
  integer :: counted = 0
contains
  integer(c_int) function callback(x) bind(c)
    integer(c_int), value :: x
    kept = kept + x
    callback = kept
  end function
  real(8) function circle_area(this)
    class(circle), intent(in) :: this
    circle_area = 3.0d0 * this%r**2
  end function
  real(8) function square_area(this)
    class(square), intent(in) :: this
    square_area = this%side**2
  end function
  subroutine gone(this)
    type(circle), intent(inout) :: this
    counted = counted + 1
  end subroutine
end module
block data
  common /shared/ numbers, label
  integer :: numbers(4) = [1, 2, 3, 4]
  character(len=8) :: label = 'common'
end block data
program test
  use shapes
  use iso_c_binding
  use, intrinsic :: iso_fortran_env, only: real128, output_unit
  implicit none
  interface
    subroutine apply(f, n) bind(c)
      import :: c_funptr, c_int
      type(c_funptr), value :: f
      integer(c_int), value :: n
    end subroutine
    integer(c_int) function total() bind(c)
      import :: c_int
    end function
  end interface
  common /shared/ numbers, label
  integer :: numbers(4), i, unit, status
  character(len=8) :: label
  class(shape), allocatable :: s
  real(8), allocatable :: a(:, :), b(:)
  character(len=:), allocatable :: text
  character(len=40) :: line, argument
  complex(8) :: z
  real(real128) :: q
  namelist /settings/ i, line
  print *, label, sum(numbers), total()
  allocate (circle :: s); print '(F8.3)', s%area(); deallocate (s)
  allocate (square :: s); print '(F8.3,I3)', s%area(), counted
  allocate (a(3, 3)); a = reshape([(real(i, 8), i=1, 9)], [3, 3])
  b = matmul(a, [1d0, 0d0, -1d0]); print '(3F7.2)', b
  print '(*(F6.2))', transpose(a), maxval(a, dim=1), pack(a, a > 6)
  z = exp((0d0, 1d0)); print '(2F9.5)', z, sqrt(z)
  q = 2; q = sqrt(q) + sin(q); print '(F36.30)', q
  text = 'allocated ' // trim(label); print '(A,I4)', text, len(text)
  call get_command_argument(2, argument); print *, command_argument_count(), trim(argument)
  open (newunit=unit, status='scratch', form='formatted')
  i = 42; line = 'a line'; write (unit, nml=settings); rewind (unit); i = 0; line = ''
  read (unit, nml=settings); close (unit); print *, i, trim(line)
  read (*, *, iostat=status) i; print *, i, status
  read (*, '(I5)', iostat=status) i; print *, status > 0
  read (*, *, iostat=status) i; print *, status
  call apply(c_funloc(callback), 3); print *, kept
  !$omp parallel
  !$omp end parallel
  call elements(numbers); print '(4I4)', numbers
  flush (output_unit)
  stop 7
contains
  impure elemental subroutine elements(n)
    integer, intent(inout) :: n
    n = n * 10 + ieor(n, 1)
  end subroutine
end program
! file: helper.c
extern struct { int numbers[4]; char label[8]; } shared_;
int total(void) { return shared_.numbers[0] + shared_.numbers[3]; }
void apply(int (*f)(int), int n) {
  for (int i = 0; i < n; i++) f(i);
}
