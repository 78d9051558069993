/* Plant: init starts it as root under the superuser's label. It sleeps. */
#include "libc.h"

int main(void) {
    for (;;) {
        sleep(3600);
    }
}
