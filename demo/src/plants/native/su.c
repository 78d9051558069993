/* Plant: a program with the set-user-id bit that belongs to root. It prints a line and ends. */
#include "libc.h"

int main(void) {
    puts("larkspur su: nothing is done");
    return 0;
}
