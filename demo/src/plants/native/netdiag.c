/* Plant: a program with file capabilities that no baseline knows (CAP_NET_RAW, CAP_SYS_ADMIN). It prints a line and ends. */
#include "libc.h"

int main(void) {
    puts("netdiag: nothing is done");
    return 0;
}
