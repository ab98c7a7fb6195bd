int link_1000(int length) { return length; }
