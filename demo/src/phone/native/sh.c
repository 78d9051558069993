/* Stands for the shell: it understands nothing. */
#include "libc.h"

int main(void) {
    puts("no commands here");
    return 0;
}
