/* Descriptors of ours live at high numbers and are not inherited, so that the linked program's first open() gets 3,
   as in a process of its own. */
#ifndef SLABLINK_DESCRIPTORS_H
#define SLABLINK_DESCRIPTORS_H

/* Moves the descriptor (the old number is closed; 0, 1 and 2 become /dev/null) and gives the new number, or -1 with
   errno and the descriptor as it was. */
int descriptor_move_high(int fd);

/* Moves an inherited descriptor and remembers its number: 0, or -1 with errno. On the main thread, before there are others. */
int descriptor_announce(int number);

/* Where the announced descriptor is now, or -1 if none was announced by that number. */
int descriptor_inherited(int number);

#endif
