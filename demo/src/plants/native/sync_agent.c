/* Plant: the program of the documented case zte-scorem-2012, which knows one word. Here the word leads to a line. */
#include "libc.h"

int main(void) {
    char word[11];
    if (read(0, word, sizeof word) == sizeof word && strncmp(word, "ztex1609523", sizeof word) == 0) {
        puts("sync_agent: nothing is done");
    }
    return 0;
}
