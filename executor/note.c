/* How a controller knows this program before it starts it: other executors take fewer arguments. An ELF note, so that it is found in
   the file's first page (System V gABI, chapter 5, Note Section). */
struct note {
  unsigned name_size, description_size, type;
  char name[12]; /* with its NUL, padded to words */
};

__attribute__((section(".note.slablink"), used, aligned(4))) static const struct note note = {9, 0, 1, "slablink"};
