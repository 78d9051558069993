/* A program that shares its name with the one of a documented case, and knows no password. It prints a line and ends. */
#include "libc.h"

int main(void) {
    puts("usage: sync_agent");
    return 0;
}
