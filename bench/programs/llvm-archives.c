#include <stdlib.h>

/* What LLVM's archives refer to in Polly's, which are a package of their own. */
void _Z18getPollyPluginInfov(void) { abort(); }

int main(void) { return 0; }
