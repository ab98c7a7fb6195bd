/* Descriptors of ours live at high numbers and are not inherited, so that the linked program's first open() gets 3,
   as in a process of its own. */
#ifndef SLABLINK_DESCRIPTORS_H
#define SLABLINK_DESCRIPTORS_H

/* Moves the descriptor (the old number is closed; 0, 1 and 2 become /dev/null) and gives the new number, or -1 with
   errno and the descriptor as it was. */
int descriptor_move_high(int fd);

/* Moves the inherited descriptor on first use and remembers its number; later uses of that number find it again. */
int descriptor_inherited(int number);

#endif
