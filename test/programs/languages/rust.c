// Rust from C, as a static library with its std: panics caught and turned into values, threads, thread-locals with destructors, hashing, callbacks.
// compile: gcc -O1 -fno-pic
// compile: clang-22 -O1 -fPIE
// needs: rustc
// before: rustc -O --crate-type=staticlib -o librust.a rust.rs
// inputs: rust.o librust.a -lgcc_s -lpthread -ldl -lm
// args: one two
// status: 6
#include <stdio.h>

long rust_count(const char *text, const char *word);
int rust_panic(int depth);
long rust_threads(int count);
int rust_call(int (*f)(int), int x);
int rust_arguments(void);

static int triple(int x) { return 3 * x; }

int main(void) {
  printf("%ld\n", rust_count("a b a c b a", "a"));
  printf("%d %d\n", rust_panic(0), rust_panic(5));
  printf("%ld\n", rust_threads(4));
  printf("%d\n", rust_call(triple, 14));
  fflush(stdout);
  return rust_arguments() * 2;
}
// file: rust.rs
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::CStr;
use std::os::raw::{c_char, c_int, c_long};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{mpsc, Arc, Mutex, Once};

static DROPPED: AtomicI64 = AtomicI64::new(0);
static START: Once = Once::new();

struct Noisy(Vec<i64>);
impl Drop for Noisy {
    fn drop(&mut self) {
        DROPPED.fetch_add(self.0.len() as i64, Ordering::SeqCst);
    }
}
thread_local! { static LOCAL: RefCell<Noisy> = RefCell::new(Noisy(vec![1])); }

#[no_mangle]
pub extern "C" fn rust_count(text: *const c_char, word: *const c_char) -> c_long {
    let (text, word) = unsafe { (CStr::from_ptr(text).to_str().unwrap(), CStr::from_ptr(word).to_str().unwrap()) };
    let mut counts: HashMap<&str, i64> = HashMap::new();
    for each in text.split(' ') {
        *counts.entry(each).or_default() += 1;
    }
    println!("{:?}", counts.iter().collect::<BTreeMap<_, _>>());
    counts[word] as c_long
}

struct Guard(c_int);
impl Drop for Guard {
    fn drop(&mut self) {
        print!("~{} ", self.0);
    }
}
fn descend(depth: c_int) -> c_int {
    let _guard = Guard(depth);
    if depth == 0 {
        let empty: Vec<c_int> = Vec::new();
        return empty[std::env::args().count()];
    }
    descend(depth - 1) + 1
}

#[no_mangle]
pub extern "C" fn rust_panic(depth: c_int) -> c_int {
    START.call_once(|| std::panic::set_hook(Box::new(|information| println!("hook: {}", information.location().is_some()))));
    match std::panic::catch_unwind(|| descend(depth)) {
        Ok(value) => value,
        Err(cause) => cause.downcast_ref::<String>().map_or(-1, |text| text.len() as c_int),
    }
}

#[no_mangle]
pub extern "C" fn rust_threads(count: c_int) -> c_long {
    let total = Arc::new(Mutex::new(0));
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = (0..count)
        .map(|i| {
            let (total, sender) = (total.clone(), sender.clone());
            std::thread::Builder::new().name(format!("worker {}", i)).spawn(move || {
                LOCAL.with(|local| local.borrow_mut().0.push(i as i64));
                *total.lock().unwrap() += i;
                sender.send(std::thread::current().name().unwrap().len() as i64).unwrap();
                if i == 1 { panic!("one of them"); }
            }).unwrap()
        })
        .collect();
    drop(sender);
    let failed = threads.into_iter().map(|thread| thread.join()).filter(|result| result.is_err()).count();
    println!("{} {}", failed, DROPPED.load(Ordering::SeqCst));
    let total = *total.lock().unwrap() as i64;
    receiver.iter().sum::<i64>() + total
}

#[no_mangle]
pub extern "C" fn rust_call(f: extern "C" fn(c_int) -> c_int, x: c_int) -> c_int {
    format!("{:>5}|{:.3}|{:?}", f(x), 2f64.sqrt(), "12x".parse::<i32>().is_err()).lines().for_each(|line| println!("{}", line));
    f(x)
}

#[no_mangle]
pub extern "C" fn rust_arguments() -> c_int {
    let arguments: Vec<String> = std::env::args().collect();
    println!("{:?} {}", &arguments[1..], std::env::var("PATH").is_ok());
    arguments.len() as c_int
}
