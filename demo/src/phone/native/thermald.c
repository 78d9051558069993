/* A root daemon as every phone has it: it looks at a temperature, and listens on a unix socket only. */
#include "libc.h"

int main(void) {
    struct sockaddr_un address;
    char text[16];
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, "/dev/socket/thermald", sizeof "/dev/socket/thermald");
    bind(listener, &address, sizeof address);
    listen(listener, 1);
    for (;;) {
        int client = accept(listener, 0, 0);
        int zone = open("/sys/class/thermal/thermal_zone0/temp", O_RDONLY);
        long n = read(zone, text, sizeof text);
        if (n > 0) {
            write(client, text, n);
        }
        close(zone);
        close(client);
    }
}
