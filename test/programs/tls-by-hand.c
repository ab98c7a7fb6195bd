// __tls_get_addr by hand, thread-locals in signal handlers and forked children, pthread keys, opened libraries, 1000 threads.
// compile: {gcc,clang-22} -O2 -fPIC
// compile: gcc -O0 -fPIC -mcmodel=large
// before: gcc -shared -fPIC -O2 -x c dl.txt -o libdl1.so
// reference: -rdynamic
// link: -ldl
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdint.h>
#include <signal.h>
#include <unistd.h>
#include <sys/wait.h>
#include <dlfcn.h>
#include <string.h>
#include <errno.h>
int *address_of_first(void), *address_of_second(void);
long *address_of_zeroed(void);
extern void *__tls_get_addr(unsigned long *);
__thread int first = 11;
__thread int second = 22;
__thread long zeroed;
static __thread volatile int in_handler;
static void on(int s) { in_handler += s; }
static pthread_key_t key;
static void destroy(void *p) { printf("key destructor %d %d\n", *(int *)p, first); if ((*(int *)p)-- > 8) pthread_setspecific(key, p); }
static void *f(void *x) {
  static __thread int mine = 9;
  first++; pthread_setspecific(key, &mine);
  printf("%d %d %d %d\n", address_of_first() == &first, *address_of_first(), address_of_second() == &second, address_of_zeroed() == &zeroed);
  Dl_info info; struct link_map { unsigned long addr; } *map = 0; dladdr1((void *)f, &info, (void **)&map, RTLD_DL_LINKMAP);
  unsigned long module; dlinfo(map, RTLD_DI_TLS_MODID, &module); void *own_block = __tls_get_addr((unsigned long[]){module, 0}), *block; dlinfo(map, RTLD_DI_TLS_DATA, &block);
  printf("module %d %d\n", module != 0, own_block == block && (char *)&first >= (char *)block);
  pthread_kill(pthread_self(), SIGUSR2);
  printf("handler %d\n", in_handler);
  errno = 5; 
  void *h = dlopen("./libdl1.so", RTLD_NOW); int (*next)(void) = (int (*)(void))dlsym(h, "next"); int a = next();
  int *v = dlsym(h, "dlvar"); printf("dl %d %d %d\n", a, next(), *v);
  int *own = dlsym(RTLD_DEFAULT, "first"); printf("dlsym %d\n", own == &first);
  return x;
}
static pthread_barrier_t bar; static int total; static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static __thread char pad[100]; 
static void *many(void *x) { pad[5]++; second += (int)(intptr_t)x; pthread_barrier_wait(&bar); pthread_mutex_lock(&mu); total += pad[5] + second; pthread_mutex_unlock(&mu); return &second; }
int main(void) {
  signal(SIGUSR2, on);
  pthread_key_create(&key, destroy);
  pthread_t t; f(0); pthread_create(&t, 0, f, 0); pthread_join(t, 0);
  static pthread_t ts[1000]; pthread_attr_t a; pthread_attr_init(&a); pthread_attr_setstacksize(&a, 65536);
  pthread_barrier_init(&bar, 0, 1000);
  for (long i = 0; i < 1000; i++) if (pthread_create(&ts[i], &a, many, (void *)i)) return 9;
  for (int i = 0; i < 1000; i++) pthread_join(ts[i], 0);
  printf("%d\n", total); fflush(stdout);
  first = 77;
  if (fork() == 0) { printf("child %d %d\n", first, in_handler); fflush(stdout); pthread_create(&t, 0, f, 0); pthread_join(t, 0); fflush(stdout); _exit(0); }
  int st; wait(&st); printf("%d %d\n", st, errno == EINTR);
  return 0;
}
// file: by-hand.s
	.text
	.globl address_of_first
	.type address_of_first,@function
address_of_first:
	subq $8, %rsp
	.byte 0x66
	leaq first@tlsgd(%rip), %rdi
	.byte 0x66, 0x66
	rex64 call __tls_get_addr@PLT
	addq $8, %rsp
	ret
	.globl address_of_second
	.type address_of_second,@function
address_of_second:
	subq $8, %rsp
	leaq second@tlsld(%rip), %rdi
	call __tls_get_addr@PLT
	leaq second@dtpoff(%rax), %rax
	addq $8, %rsp
	ret
	.globl address_of_zeroed
	.type address_of_zeroed,@function
address_of_zeroed:
	pushq %rbx
	movq %r12, %rdx
	movq %fs:0, %r12
	movq zeroed@gottpoff(%rip), %rbx
	addq first@gottpoff(%rip), %r12
	movq $first@tpoff, %rax
	subq %rax, %r12
	leaq (%r12,%rbx), %rax
	cmpq zeroed@gottpoff(%rip), %rbx
	jne 1f
	movq %rdx, %r12
	popq %rbx
	ret
1:	ud2
	.section .note.GNU-stack,"",@progbits
// file: dl.txt
__thread int dlvar = 100; static __thread char big[5000]; int next(void) { big[7]++; return ++dlvar + big[7]; }
