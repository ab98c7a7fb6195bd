/* -Dlink_last= gives the name that the last but one calls. */
int link_last(int length) { return length; }
