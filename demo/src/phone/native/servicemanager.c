/* Stands for the directory of services. */
#include "libc.h"

int main(void) {
    int binder = open("/dev/binder", O_RDWR);
    close(binder);
    return binder < 0;
}
