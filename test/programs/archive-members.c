// Archives with odd contents: text among the members, members of the older and the COFF spelling, empty ones, thin ones that hold
// archives, one archive named several times.
// compile: gcc -O1
// before: cp archive-members.c.txt readme.txt
// before: ar rcs libmixed.a readme.txt part.o other.o
// before: ar rcs libempty.a
// before: mkdir sub
// before: cp other.o sub/other.o
// before: ar rcs sub/libinner.a sub/other.o
// before: ar rcsT libouter.a part.o sub/libinner.a
// before: ar rcsT sub/libthin.a part.o sub/other.o
// before: ar rcsT libofthin.a sub/libthin.a
// before: llvm-ar-22 --format=coff rcs libcoff.a part.o other.o
// before: llvm-ar-22 --format=darwin rcs libdarwin.a part.o other.o
// before: sh -c "echo 'OUTPUT_FORMAT(elf64-x86-64) GROUP ( libempty.a AS_NEEDED ( -lm ) inner.ld )' > libscript.a"
// before: sh -c "echo '/* nested */ INPUT ( libmixed.a )' > inner.ld"
// inputs: archive-members.o libmixed.a libempty.a
// inputs: archive-members.o libouter.a
// inputs: archive-members.o sub/libthin.a
// inputs: archive-members.o libofthin.a
// inputs: archive-members.o libcoff.a
// inputs: archive-members.o -L. -lempty -lmixed -lmixed libmixed.a
// inputs: archive-members.o -L. -Lsub -l:libthin.a -Wl,-Bstatic -lscript -Wl,-Bdynamic
// inputs: archive-members.o -L. -lscript
// needs: ar llvm-ar-22
#include <stdio.h>
int part(void);
int main(void) {
  printf("%d\n", part());
  return 0;
}
// file: archive-members.c.txt
Not an object.
// file: part.c
int other(void);
int part(void) { return other() + 1; }
// file: other.c
int other(void) { return 41; }
// file: unrelated.c
int unrelated;
