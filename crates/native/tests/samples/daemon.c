/* What the analysis is held against, on every machine: a daemon that listens and runs what it is told, with the kinds of
 * code that lie on the way. It is never run: it is a library without a C library behind it. */
typedef unsigned long size_t;
typedef unsigned short u16;
typedef unsigned int u32;
struct sockaddr_in { u16 family; u16 port; u32 address; char zero[8]; };

extern int socket(int, int, int), bind(int, const void *, u32), listen(int, int), accept(int, void *, u32 *);
extern int connect(int, const void *, u32), close(int), open(const char *, int);
extern long recv(int, void *, size_t, int), read(int, void *, size_t);
extern int strcmp(const char *, const char *), strncmp(const char *, const char *, size_t);
extern int snprintf(char *, size_t, const char *, ...), system(const char *), setuid(u32);
extern char *strchr(const char *, int), *strcpy(char *, const char *);
extern void *memset(void *, int, size_t), *dlopen(const char *, int);
extern u32 inet_addr(const char *);
extern int property_set(const char *, const char *), puts(const char *), gethostbyname(const char *);
extern int pthread_create(void *, void *, void *(*)(void *), void *);

#define KEEP __attribute__((noinline, noipa))

/* Passes an argument on to a command. */
KEEP int run(const char *what) {
    char command[300];
    snprintf(command, sizeof command, "sh -c %s %d", what, 7);
    return system(command);
}

/* Receives, compares, acts. */
KEEP int serve(int client) {
    char request[128];
    long n = recv(client, request, sizeof request - 1, 0);
    if (n <= 0) {
        return -1;
    }
    request[n] = 0;
    if (strncmp(request, "open:", 5) != 0) {
        return 0;
    }
    return run(request + 5);
}

KEEP int daemon_main(void) {
    struct sockaddr_in address;
    int listener = socket(2, 1, 0);
    memset(&address, 0, sizeof address);
    address.family = 2;
    address.port = 0x9210;
    address.address = inet_addr("0.0.0.0");
    bind(listener, &address, sizeof address);
    listen(listener, 4);
    for (;;) {
        int client = accept(listener, 0, 0);
        serve(client);
        close(client);
    }
}

/* What is received is only looked at, the command is fixed. */
KEEP int harmless(int unused) {
    char request[64];
    int client = socket(2, 1, 0);
    if (recv(client, request, sizeof request, 0) > 0 && strcmp(request, "reset") == 0) {
        setuid(0);
        return system("/system/bin/reset");
    }
    return unused;
}

/* The buffer is written anew before it is run. */
KEEP int overwritten(int unused) {
    char text[64];
    recv(socket(2, 1, 0), text, sizeof text, 0);
    strcpy(text, "id");
    return system(text) + unused;
}

/* A number in a format is no command. */
KEEP int numbered(int client) {
    char text[64];
    read(accept(client, 0, 0), text, sizeof text);
    char command[64];
    snprintf(command, sizeof command, "led %d", text[0]);
    return system(command);
}

/* Jumps by a table, and a library that is loaded by name. */
KEEP int choose(int n) {
    switch (n) {
    case 0: return puts("a");
    case 1: return puts("bb") + 1;
    case 2: return close(7);
    case 3: return gethostbyname("update.example.invalid");
    case 4: return dlopen("/vendor/lib/libx.so", 1) != 0;
    case 5: return property_set("sys.example.on", "1");
    default: return 3;
    }
}

/* A buffer that all share, filled by a thread. */
static char shared[256];
static void *worker(void *arg) {
    int client = accept((int)(long)arg, 0, 0);
    read(client, shared, sizeof shared);
    return 0;
}
KEEP int start(void) {
    long thread;
    int listener = socket(1, 1, 0);
    return pthread_create(&thread, 0, worker, (void *)(long)listener);
}
KEEP int late(void) {
    char *end = strchr(shared, ' ');
    return end ? system(end + 1) : 0;
}

/* What Java calls: by name, and by a table. */
int Java_com_example_Native_run_1it(void *env, void *self) { return env == self; }
static int hidden(void *env, void *self, int n) { return env == self ? n : 0; }
const struct { const char *name, *descriptor; void *function; } methods[] = {
    {"hidden", "(I)I", (void *)hidden},
};
