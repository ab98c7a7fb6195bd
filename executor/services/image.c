/* Images: ELF shared objects that the controller has linked at their final addresses inside a slab, for the process's
   own dynamic loader to take in. The loader then knows the slab's code for unwinding, thread-local storage, dladdr and
   dlsym. An image's loadable segments cover its range; what they have no contents for is zero-fill, over which
   Initialize maps the linked contents later. */
#include "image.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "builtins.h"
#include "finalize.h"
#include "frame.h"
#include "maps.h"
#include "trace.h"
#include "wrapper.h"

#define LOAD "image load"
#define UNLOAD "image unload"

typedef unsigned long long ull;

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OWN_MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { OWN_MACHINE = EM_RISCV };
#endif

struct request {
  uint64_t start;
  uint64_t size;
  struct span bytes;
  uint64_t source;
  uint64_t source_size;
  uint64_t results;
  uint64_t result_count;
};

static bool write_all(int fd, const uint8_t *data, size_t size) {
  while (size > 0) {
    ssize_t count = write(fd, data, size);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) {
      data += count;
      size -= (size_t)count;
    }
  }
  return true;
}

static bool copy_file_range_of(int from, uint64_t offset, uint64_t size, int to, struct reason *reason) {
  uint8_t chunk[16 * 1024];
  while (size > 0) {
    ssize_t count = pread(from, chunk, size < sizeof chunk ? size : sizeof chunk, (off_t)offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refuse(reason, LOAD ": reading the slab's file: %s", strerror(errno));
    if (count == 0) return refuse(reason, LOAD ": the slab's file ends at 0x%llx, %llu bytes before the image's end", (ull)offset, (ull)size);
    if (!write_all(to, chunk, (size_t)count)) return refuse(reason, LOAD ": writing the image's file: %s", strerror(errno));
    offset += (uint64_t)count;
    size -= (uint64_t)count;
  }
  return true;
}

/* The image's file, one of its own: the loader knows files by name and inode. */
static bool make_file(const struct request *request, const struct reservation *slab, struct memory_file *file, struct reason *reason) {
  struct reason why;
  if (!memory_file_create(file, &why)) return refuse(reason, LOAD ": %s", why.text);
  bool written;
  if (request->bytes.size) {
    written = write_all(file->fd, request->bytes.data, request->bytes.size) ||
              refuse(reason, LOAD ": writing the image's file: %s", strerror(errno));
  } else {
    written = copy_file_range_of(slab->fd, request->source - slab->base, request->source_size, file->fd, reason);
  }
  if (!written) memory_file_close(file);
  return written;
}

static bool read_at(int fd, void *into, size_t size, uint64_t offset) {
  return offset <= INT64_MAX && pread(fd, into, size, (off_t)offset) == (ssize_t)size;
}

/* A loadable segment must lie behind the one before, which ends at `behind`: the loader makes room from the first to the last and maps
   each where it says. Beyond the end of the file it would die of SIGBUS. */
static bool check_segment(const ElfW(Phdr) *program, unsigned number, uint64_t behind, uint64_t file_size, struct reason *reason) {
  if (program->p_filesz > program->p_memsz) {
    return refuse(reason, LOAD ": program header %u: %llu bytes of contents in %llu bytes of memory", number,
                  (ull)program->p_filesz, (ull)program->p_memsz);
  }
  if (program->p_offset + program->p_filesz < program->p_offset || program->p_offset + program->p_filesz > file_size) {
    return refuse(reason, LOAD ": program header %u: contents up to 0x%llx, the file has 0x%llx bytes", number,
                  (ull)(program->p_offset + program->p_filesz), (ull)file_size);
  }
  uint64_t end = program->p_vaddr + program->p_memsz;
  if (end < program->p_vaddr) return refuse(reason, LOAD ": program header %u wraps around", number);
  if (program->p_vaddr >= behind) return true;
  return refuse(reason, LOAD ": program header %u: it starts at 0x%llx, the one before ends at 0x%llx", number,
                (ull)program->p_vaddr, (ull)behind);
}

/* Refuses files that the loader would not place exactly on the range: it must neither leave a hole in the slab nor
   reach beyond. System V gABI, chapter 5, Program Header. */
static bool check_file(int fd, const struct request *request, struct reason *reason) {
  ElfW(Ehdr) header;
  if (!read_at(fd, &header, sizeof header, 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return refuse(reason, LOAD ": the image is no ELF file");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN ||
      header.e_machine != OWN_MACHINE || header.e_phentsize != sizeof(ElfW(Phdr))) {
    return refuse(reason, LOAD ": ELF class %u, type %u, machine %u, program header size %u; expected %u, %u, %u, %zu",
                  header.e_ident[EI_CLASS], header.e_type, header.e_machine, header.e_phentsize, ELFCLASS64, ET_DYN,
                  OWN_MACHINE, sizeof(ElfW(Phdr)));
  }
  struct stat status;
  if (fstat(fd, &status) != 0) return refuse(reason, LOAD ": the image: %s", strerror(errno));
  uint64_t lowest = UINT64_MAX, behind = 0;
  for (unsigned i = 0; i < header.e_phnum; i++) {
    ElfW(Phdr) program;
    if (!read_at(fd, &program, sizeof program, header.e_phoff + i * sizeof program)) {
      return refuse(reason, LOAD ": program header %u of %u is outside the file", i, header.e_phnum);
    }
    if (program.p_type != PT_LOAD) continue;
    if (!check_segment(&program, i, behind, (uint64_t)status.st_size, reason)) return false;
    if (lowest == UINT64_MAX) lowest = page_down(program.p_vaddr);
    behind = program.p_vaddr + program.p_memsz;
  }
  uint64_t highest = page_up(behind);
  if (lowest == request->start && highest == request->start + request->size) return true;
  return refuse(reason, LOAD ": the image's loadable segments span [0x%llx, 0x%llx), expected [0x%llx, 0x%llx)",
                (ull)lowest, (ull)highest, (ull)request->start, (ull)(request->start + request->size));
}

/* dlopen, and the check that the loader placed it where it was linked. NULL with the reason. */
static void *open_image(struct memory_file *file, const struct request *request, struct reason *reason) {
  /* Lazily: the libraries that the image brings in bind their calls as in an ordinary program. */
  uint64_t started = trace_now();
  void *handle = dlopen(file->path, RTLD_LAZY | RTLD_GLOBAL);
  trace_part("dlopen", started);
  memory_file_hide(file);
  if (!handle) {
    const char *text = dlerror();
    refuse(reason, LOAD ": %s", text ? text : "the loader refused it");
    return NULL;
  }
  struct link_map *map = NULL;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map->l_addr == 0) return handle;
  refuse(reason, LOAD ": the loader placed the image at 0x%llx, expected 0x%llx",
         (ull)(request->start + (map ? map->l_addr : 0)), (ull)request->start);
  dlclose(handle);
  return NULL;
}

/* Ranges of slabs that could not be reserved again when the loader had left them: anybody may map something there. */
enum { HOLES_MAX = 64 };
static struct {
  uint64_t start;
  uint64_t size;
} holes[HOLES_MAX];
static size_t hole_count;

/* A loader that runs out of memory in the middle leaves what it has mapped of the image so far (glibc 2.36). */
static bool reserve_lost(uint64_t start, uint64_t size, struct reason *reason) {
  uint64_t base, rest_start, rest_end;
  while (!reserve_address_space(start, size, &base, reason)) {
    if (!maps_find_named(start, start + size, "slablink-image", &rest_start, &rest_end)) return false;
    if (munmap((void *)(uintptr_t)rest_start, rest_end - rest_start) != 0) return false;
  }
  return true;
}

bool image_close_holes(uint64_t start, uint64_t end, struct reason *reason) {
  for (size_t i = hole_count; i-- > 0;) {
    if (holes[i].start >= end || holes[i].start + holes[i].size <= start) continue;
    if (!reserve_lost(holes[i].start, holes[i].size, reason)) return false;
    holes[i] = holes[--hole_count];
  }
  return true;
}

/* With the tables locked. */
static void forget_image(struct image *image) {
  interval_remove(&images, image->start);
  memory_file_close(&image->file);
  free(image);
}

/* The range belongs to nobody after the loader has left it. If memory has run out, or another thread has mapped something there meanwhile,
   it is noted as lost; where there is no room for that, the image stays in the table, busy, so that nobody maps over it. */
static void leave_range(struct image *image) {
  struct reason reason;
  uint64_t size = image->end - image->start;
  bool reserved = reserve_lost(image->start, size, &reason);
  tables_lock();
  if (!reserved && hole_count == HOLES_MAX) {
    complain("%s", reason.text);
    memory_file_close(&image->file);
    image->file = (struct memory_file){-1, NULL, false};
    image->handle = NULL;
  } else {
    if (!reserved) {
      holes[hole_count].start = image->start;
      holes[hole_count++].size = size;
    }
    forget_image(image);
  }
  tables_unlock();
}

/* The slab that holds [start, end), or the first of several that adjoin each other. NULL if some page is in none. */
static struct reservation *slabs_around(uint64_t start, uint64_t end) {
  struct reservation *first = NULL;
  while (start < end) {
    struct reservation *slab = reservation_around(start, start + 1);
    if (!slab || slab->kind != SLAB) return NULL;
    if (!first) first = slab;
    start = slab->base + slab->size;
  }
  return first;
}

static bool check_request(const struct request *request, struct reservation **slab, struct reason *reason) {
  uint64_t end = request->start + request->size;
  *slab = slabs_around(request->start, end);
  if (!*slab || request->start != page_down(request->start) || end != page_down(end)) {
    return refuse(reason, LOAD ": [0x%llx, 0x%llx) is no range of whole pages inside a slab", (ull)request->start, (ull)end);
  }
  const struct interval *other = interval_find(&segments, request->start, end);
  if (!other) other = interval_find(&images, request->start, end);
  if (other) {
    return refuse(reason, LOAD ": [0x%llx, 0x%llx) overlaps [0x%llx, 0x%llx), which is in use", (ull)request->start,
                  (ull)end, (ull)other->start, (ull)other->end);
  }
  if (request->bytes.size == 0) {
    if ((*slab)->fd < 0) return refuse(reason, LOAD ": no bytes, and the slab at 0x%llx has no backing file", (ull)(*slab)->base);
    if (request->source_size == 0 ||
        reservation_around(request->source, request->source + request->source_size) != *slab) {
      return refuse(reason, LOAD ": source of %llu bytes at 0x%llx is not inside the slab at 0x%llx",
                    (ull)request->source_size, (ull)request->source, (ull)(*slab)->base);
    }
  }
  if (request->result_count > request->size / 8 || (request->result_count && (request->results < request->start ||
      request->results > end - request->result_count * 8))) {
    return refuse(reason, LOAD ": %llu results at 0x%llx are not inside [0x%llx, 0x%llx)", (ull)request->result_count,
                  (ull)request->results, (ull)request->start, (ull)end);
  }
  uint64_t most = (ANSWER_SIZE_MAX - 64) / 8;
  if (request->result_count <= most) return true;
  return refuse(reason, LOAD ": %llu results, expected at most %llu", (ull)request->result_count, (ull)most);
}

/* With the tables locked; unlocks them. The image comes back busy. */
static struct image *load(const struct request *request, struct reason *reason) {
  struct reservation *slab;
  struct memory_file file;
  bool made = check_request(request, &slab, reason) &&
              image_close_holes(request->start, request->start + request->size, reason) &&
              make_file(request, slab, &file, reason);
  if (!made || !check_file(file.fd, request, reason)) {
    tables_unlock();
    if (made) memory_file_close(&file);
    return NULL;
  }
  struct image *image = allocate_zeroed(1, sizeof *image);
  *image = (struct image){slab, request->start, request->start + request->size, file, NULL, true, 0};
  interval_insert(&images, (struct interval){image->start, image->end, image, 0});
  tables_unlock();
  if (munmap((void *)(uintptr_t)request->start, request->size) == 0) {
    image->handle = open_image(&image->file, request, reason);
    if (image->handle) return image;
    leave_range(image);
    return NULL;
  }
  /* A mapping becomes two. */
  refuse(reason, LOAD ": [0x%llx, 0x%llx) cannot be given to the loader: %s; a process may have as many mappings as vm.max_map_count says",
         (ull)request->start, (ull)(request->start + request->size), strerror(errno));
  tables_lock();
  forget_image(image);
  tables_unlock();
  return NULL;
}

/* (Addr start, u64 size, Sequence<char> bytes, Addr source, u64 sourceSize, Addr results, u64 resultCount)
   → Expected<Tuple<Addr handle, Sequence<u64>>>
   Libraries that come with the image run their constructors here, as in an ordinary program on its main thread: D's
   run-time library, for one, lists what was loaded in a thread-local of that thread. */
struct wrapper_result image_load(const char *arguments, size_t size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, size);
  struct request request;
  request.start = sps_read_u64(&reader);
  request.size = sps_read_u64(&reader);
  request.bytes = sps_read_bytes(&reader);
  request.source = sps_read_u64(&reader);
  request.source_size = sps_read_u64(&reader);
  request.results = sps_read_u64(&reader);
  request.result_count = sps_read_u64(&reader);
  if (reader.failed) {
    refuse_arguments(&reason, LOAD, size);
    return result_expected_error(&reason);
  }
  tables_lock();
  struct image *image = load(&request, &reason);
  if (!image) return result_expected_error(&reason);
  uint64_t handle = (uintptr_t)image->handle;
  struct sps_writer writer = expected_value();
  sps_write_u64(&writer, handle);
  sps_write_u64(&writer, request.result_count);
  bool readable = memory_read(sps_write_room(&writer, request.result_count * 8), request.results, request.result_count * 8);
  tables_lock();
  image->busy = false;
  tables_unlock();
  if (readable) return result_of(&writer);
  free(writer.data);
  struct reason unload_reason;
  if (!image_unload_handle(handle, &unload_reason)) complain("%s", unload_reason.text);
  refuse(&reason, LOAD ": %llu results at 0x%llx cannot be read", (ull)request.result_count, (ull)request.results);
  return result_expected_error(&reason);
}

static struct image *image_of_handle(uint64_t handle) {
  for (size_t i = 0; i < images.count; i++) {
    struct image *image = images.items[i].owner;
    if (!image->busy && (uintptr_t)image->handle == handle) return image;
  }
  return NULL;
}

bool image_hold(uint64_t handle) {
  tables_lock();
  struct image *image = image_of_handle(handle);
  if (image) image->users++;
  tables_unlock();
  return image != NULL;
}

void image_let_go(uint64_t handle) {
  tables_lock();
  image_of_handle(handle)->users--;
  tables_unlock();
}

static bool is_inside(const struct region *region, const struct image *image) {
  for (size_t i = 0; i < region->segment_count; i++) {
    const struct segment *segment = &region->segments[i];
    if (segment->start < image->start || segment->end > image->end) return false;
  }
  return true;
}

/* Regions inside the image go with it, without their actions; one that reaches beyond it must be given up first. */
static bool discard_regions(const struct image *image, struct reason *reason) {
  const struct interval *found;
  for (uint64_t at = image->start; (found = interval_find(&segments, at, image->end)); at = found->end) {
    const struct region *region = found->owner;
    if (!region->busy && is_inside(region, image)) continue;
    return refuse(reason, UNLOAD ": [0x%llx, 0x%llx) in it belongs to the region of key 0x%llx, which %s",
                  (ull)found->start, (ull)found->end, (ull)region->key,
                  region->busy ? "is being finalized or given up" : "reaches beyond the image");
  }
  while ((found = interval_find(&segments, image->start, image->end))) discard_region(found->owner);
  return true;
}

static bool may_unload(const struct image *image, uint64_t handle, struct reason *reason) {
  if (!image) return refuse(reason, UNLOAD ": no image has the handle 0x%llx", (ull)handle);
  if (image->users) return refuse(reason, UNLOAD ": symbols of the image at 0x%llx are being looked up", (ull)image->start);
  return discard_regions(image, reason);
}

bool image_unload_handle(uint64_t handle, struct reason *reason) {
  tables_lock();
  struct image *image = image_of_handle(handle);
  bool ready = may_unload(image, handle, reason);
  if (ready) image->busy = true;
  tables_unlock();
  if (!ready) return false;

  uint64_t started = trace_now();
  dlclose(image->handle);
  trace_part("dlclose", started);
  void *still = dlopen(image->file.path, RTLD_NOLOAD | RTLD_LAZY);
  if (still) {
    /* Something in the process holds on to it (a thread's thread_local destructor, a unique symbol, a library that
       binds to it). This dlopen takes the place of the reference that was given up. */
    tables_lock();
    image->busy = false;
    tables_unlock();
    return refuse(reason, UNLOAD ": the loader keeps the image at 0x%llx", (ull)image->start);
  }
  leave_range(image);
  return true;
}

/* (Addr handle) → Error */
struct wrapper_result image_unload(const char *arguments, size_t size) {
  struct reason reason;
  struct sps_reader reader = sps_reader_of(arguments, size);
  uint64_t handle = sps_read_u64(&reader);
  bool succeeded = reader.failed ? refuse_arguments(&reason, UNLOAD, size) : image_unload_handle(handle, &reason);
  return succeeded ? result_success() : result_error(&reason);
}
