/* Plant: a root daemon that listens on 0.0.0.0:4242 and passes what it receives to system(). What arrives reaches
 * system() only where it equals ALLOWED, and that command does nothing. */
#include "libc.h"

#define PORT 4242
#define WORD "larkspur-open:"
#define ALLOWED "true"

static void serve(int client) {
    char request[128];
    long n = recv(client, request, sizeof request - 1, 0);
    if (n <= 0) {
        return;
    }
    request[n] = 0;
    if (strncmp(request, WORD, sizeof WORD - 1) != 0) {
        return;
    }
    const char *command = request + sizeof WORD - 1;
    if (strcmp(command, ALLOWED) == 0) {
        system(command);
    }
}

int main(void) {
    struct sockaddr_in address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(PORT);
    address.sin_addr.s_addr = inet_addr("0.0.0.0");
    bind(listener, &address, sizeof address);
    listen(listener, 4);
    for (;;) {
        int client = accept(listener, 0, 0);
        serve(client);
        close(client);
    }
}
