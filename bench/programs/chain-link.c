/* The names are replaced by link_0000, link_0001, ... in the object, so they are as long as those. */
int link_next(int length);
int link_this(int length) { return link_next(length) + 1; }
