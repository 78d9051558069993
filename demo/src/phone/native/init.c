/* The first process: says who it is. It starts nothing. */
#include "libc.h"

int main(void) {
    puts("init of a phone that does not exist");
    return 0;
}
