// Go from C, as an archive: its run-time system starts from an initializer and walks from argv to the auxiliary vector; goroutines, callbacks, panics, signals.
// compile: gcc -O1 -fno-pic
// compile: clang-22 -O1 -fPIE
// needs: go
// before: sh -c "GO111MODULE=off GOCACHE=$PWD/cache GOFLAGS= go build -buildmode=c-archive -o libgo.a lib.go"
// inputs: go.o libgo.a -lpthread
// args: one two
// env: FOR_GO=a value
// status: 5
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

long go_sum(long n);
int go_strings(void);
int go_panic(void);
int go_call(void *f, int x);
int go_signal(void);
int go_threads(void);

int times_three(int x) { return x * 3; }
static void *on_thread(void *n) { return (void *)go_sum((long)n); }

int main(void) {
  printf("%ld\n", go_sum(1000));
  printf("%d %d %d\n", go_strings(), go_panic(), go_call(times_three, 5));
  pthread_t threads[4];
  void *result;
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, on_thread, (void *)(i * 10));
  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], &result);
    printf("%ld\n", (long)result);
  }
  printf("%d %d\n", go_signal(), go_threads());
  return 5;
}
// file: lib.go
package main

/*
typedef int (*function)(int);
static int call(void *f, int x) { return ((function)f)(x); }
*/
import "C"
import (
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

var initialized = func() int { return 7 }()

func init() { initialized++ }

//export go_sum
func go_sum(n C.long) C.long {
	parts := make(chan int)
	var group sync.WaitGroup
	for i := 0; i < 10; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			sum := 0
			for j := i; j < int(n); j += 10 {
				sum += j
			}
			parts <- sum
		}(i)
	}
	go func() { group.Wait(); close(parts) }()
	total := 0
	for part := range parts {
		total += part
	}
	return C.long(total)
}

//export go_strings
func go_strings() C.int {
	length := initialized
	for _, each := range append(os.Args[1:], os.Getenv("FOR_GO")) {
		length += 100 * len(each)
	}
	if os.Getpagesize() != 4096 {
		return -1
	}
	return C.int(length)
}

//export go_panic
func go_panic() (result C.int) {
	defer func() {
		if recover() != nil {
			result = 9
		}
	}()
	var nothing *int
	*nothing = 5
	return 1
}

//export go_call
func go_call(f unsafe.Pointer, x C.int) C.int { return C.call(f, x) }

//export go_signal
func go_signal() C.int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	select {
	case <-signals:
		return 1
	case <-time.After(10 * time.Second):
		return 0
	}
}

//export go_threads
func go_threads() C.int {
	runtime.GC()
	var group sync.WaitGroup
	sizes := make(chan int, 8)
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			runtime.LockOSThread()
			defer group.Done()
			sizes <- len(make([]byte, 1<<20))
		}()
	}
	group.Wait()
	close(sizes)
	total := 0
	for size := range sizes {
		total += size >> 20
	}
	return C.int(total)
}

func main() {}
