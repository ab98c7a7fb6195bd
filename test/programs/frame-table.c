// The loader knows the program: dl_iterate_phdr, a sorted table of frames, _dl_find_object.
// compile: {gcc,clang-22} -O1 {-fPIC,-fno-pic} -ffunction-sections
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
#include <dlfcn.h>
static int found;
int main(void);
static int each(struct dl_phdr_info *i, size_t s, void *p) {
  for (int k = 0; k < i->dlpi_phnum; k++) if (i->dlpi_phdr[k].p_type == PT_LOAD) { ElfW(Addr) a = i->dlpi_addr + i->dlpi_phdr[k].p_vaddr; if ((ElfW(Addr))main >= a && (ElfW(Addr))main < a + i->dlpi_phdr[k].p_memsz) { 
    for (int j = 0; j < i->dlpi_phnum; j++) if (i->dlpi_phdr[j].p_type == PT_GNU_EH_FRAME) { unsigned char *h = (void*)(i->dlpi_addr + i->dlpi_phdr[j].p_vaddr); int n = *(int *)(h + 8); int *t = (int *)(h + 12), ok = n > 0; for (int x = 1; x < n; x++) ok &= t[2*x] > t[2*x-2]; printf("header %d %x %d\n", h[0], h[1] << 16 | h[2] << 8 | h[3], ok); }
    found++; printf("tls %d\n", i->dlpi_tls_modid != 0); } }
  return 0; }
__thread int v = 3;
int main(void) { dl_iterate_phdr(each, 0); printf("%d\n", found); struct dl_find_object o; printf("%d\n", _dl_find_object((void *)main, &o)); printf("%d %d\n", o.dlfo_eh_frame != 0, (void *)main >= o.dlfo_map_start && (void *)main < o.dlfo_map_end); return v - 3; }
