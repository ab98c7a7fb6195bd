// The loader's view of the program: dlsym by every pseudo handle and from a library, dlvsym, dladdr and dladdr1 with names and addresses,
// dl_iterate_phdr over a range with the code, backtrace_symbols, a wrapper around a library's function by RTLD_NEXT.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic,-fPIC}
// reference: -rdynamic -Wl,--no-as-needed
// link: -lm
// before: gcc -shared -fPIC -o libplugin.so -x c plugin.inc
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int exported_variable = 12;
int exported_zero[10];
static int not_exported(void) { return 1; }
__attribute__((visibility("hidden"))) int hidden_function(void) { return 2; }
__attribute__((noinline)) int exported_function(int x) { return x + exported_variable; }
int called_by_plugin(int x) { return x * 2; }
__attribute__((weak)) int weak_function(void) { return 3; }

/* Take the place of the C library's for the program, and go on to them. */
long gethostid(void) {
  long (*next)(void) = (long (*)(void))dlsym(RTLD_NEXT, "gethostid");
  return next == gethostid ? -1 : next == NULL ? -2 : 1000;
}
static int mallocs;
void *malloc(size_t size) {
  static void *(*next)(size_t);
  if (!next) next = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
  mallocs++;
  return next(size);
}
double lgamma(double x) {
  double (*next)(double) = (double (*)(double))dlsym(RTLD_NEXT, "lgamma");
  return next != NULL && next != lgamma ? next(x) + 1 : -1;
}

static void tell(const char *what, void *address) {
  Dl_info info;
  if (!dladdr(address, &info)) {
    printf("%s: unknown\n", what);
    return;
  }
  printf("%s: %s +%ld\n", what, info.dli_sname ? info.dli_sname : "-", info.dli_saddr ? (long)((char *)address - (char *)info.dli_saddr) : -1);
}

struct search {
  uintptr_t code, data;
  int found_code, found_data, executable, count, frames;
};

static int look(struct dl_phdr_info *info, size_t size, void *argument) {
  (void)size;
  struct search *search = argument;
  search->count++;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr;
    if (header->p_type != PT_LOAD) continue;
    if (search->data >= start && search->data < start + header->p_memsz) search->found_data += 1;
    if (search->code < start || search->code >= start + header->p_memsz) continue;
    search->found_code++;
    search->executable = (header->p_flags & PF_X) != 0;
    for (int j = 0; j < info->dlpi_phnum; j++) search->frames += info->dlpi_phdr[j].p_type == PT_GNU_EH_FRAME;
  }
  return 0;
}

int main(void) {
  void *self = dlopen(NULL, RTLD_NOW);
  int (*function)(int) = (int (*)(int))dlsym(self, "exported_function");
  printf("self %d %d\n", function == exported_function, function ? function(1) : -1);
  printf("default %d %d %d\n", dlsym(RTLD_DEFAULT, "exported_variable") == &exported_variable,
         dlsym(RTLD_DEFAULT, "exported_zero") == exported_zero, dlsym(RTLD_DEFAULT, "weak_function") == (void *)weak_function);
  printf("hidden %d %d\n", dlsym(RTLD_DEFAULT, "hidden_function") == NULL, dlsym(self, "not_exported") == NULL);
  printf("error %d\n", dlerror() != NULL);
  printf("wrapped %ld %d %d\n", gethostid(), dlsym(RTLD_DEFAULT, "gethostid") == (void *)gethostid, dlsym(self, "gethostid") == (void *)gethostid);
  char *volatile block = malloc(100);
  printf("malloc %d %d\n", block != NULL, mallocs > 0);
  free(block);
  printf("library %g %d\n", lgamma(3), dlsym(RTLD_DEFAULT, "lgamma") == (void *)lgamma);
  printf("nothing behind %d\n", dlsym(RTLD_NEXT, "exported_function") == NULL && dlerror() != NULL);
  FILE **output = dlsym(RTLD_DEFAULT, "stdout");
  printf("data %d\n", output && *output == stdout);
  printf("dlvsym %d\n", dlvsym(RTLD_DEFAULT, "qsort", "GLIBC_2.2.5") == dlsym(RTLD_DEFAULT, "qsort"));
  printf("no version %d\n", dlvsym(RTLD_DEFAULT, "qsort", "GLIBC_9.9") == NULL);
  void *math = dlopen("libm.so.6", RTLD_LAZY | RTLD_LOCAL);
  double (*root)(double) = (double (*)(double))dlsym(math, "sqrt");
  printf("sqrt %g\n", root(81));
  printf("closed %d\n", dlclose(math));
  printf("noload %d\n", dlopen("libnever.so.7", RTLD_NOW | RTLD_NOLOAD) == NULL);

  void *plugin = dlopen("./libplugin.so", RTLD_NOW);
  if (!plugin) printf("%s\n", dlerror());
  int (*run)(int) = (int (*)(int))dlsym(plugin, "plugin_run");
  printf("plugin %d\n", run(5));
  printf("closed %d\n", dlclose(plugin));

  tell("function", (char *)exported_function + 1);
  tell("variable", &exported_variable);
  tell("zero", &exported_zero[3]);
  tell("library", (void *)dlsym(RTLD_DEFAULT, "strtod"));
  int local;
  tell("stack", &local);
  Dl_info info;
  const ElfW(Sym) *symbol = NULL;
  int known = dladdr1((void *)exported_function, &info, (void **)&symbol, RTLD_DL_SYMENT);
  printf("dladdr1 %d %d %d\n", known, symbol && symbol->st_size > 0, symbol ? ELF64_ST_TYPE(symbol->st_info) == STT_FUNC : -1);
  struct link_map *map = NULL;
  printf("map %d %d\n", dladdr1((void *)exported_function, &info, (void **)&map, RTLD_DL_LINKMAP), map != NULL);
  struct search search = {.code = (uintptr_t)exported_function, .data = (uintptr_t)&exported_variable};
  dl_iterate_phdr(look, &search);
  printf("phdr %d %d %d %d\n", search.found_code, search.found_data, search.frames, search.count > 2);
  void *frames[20];
  int depth = backtrace(frames, 20);
  char **names = backtrace_symbols(frames, depth);
  int in_main = 0;
  for (int i = 0; i < depth; i++) in_main += strstr(names[i], "(main+") != NULL;
  printf("backtrace %d\n", in_main);
  return not_exported() + hidden_function() - 3;
}
// file: plugin.inc
int called_by_plugin(int);
extern int exported_variable;
int plugin_run(int x) {
  exported_variable += 100;
  return called_by_plugin(x) + exported_variable;
}
