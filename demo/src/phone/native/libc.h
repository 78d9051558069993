/* What the demo's programs call of the C library: names and shapes, as Linux on arm64 has them. */
#pragma once

#define AF_UNIX 1
#define AF_INET 2
#define SOCK_STREAM 1
#define O_RDONLY 0
#define O_RDWR 2

struct sockaddr_un {
    unsigned short sun_family;
    char sun_path[108];
};

struct in_addr {
    unsigned int s_addr;
};

struct sockaddr_in {
    unsigned short sin_family;
    unsigned short sin_port;
    struct in_addr sin_addr;
    unsigned char sin_zero[8];
};

int accept(int fd, void *address, unsigned int *size);
int bind(int fd, const void *address, unsigned int size);
int close(int fd);
unsigned int inet_addr(const char *text);
int listen(int fd, int backlog);
void *memcpy(void *to, const void *from, unsigned long n);
void *memset(void *to, int byte, unsigned long n);
int open(const char *path, int flags, ...);
int puts(const char *text);
long read(int fd, void *to, unsigned long n);
long recv(int fd, void *to, unsigned long n, int flags);
unsigned int sleep(unsigned int seconds);
int socket(int family, int type, int protocol);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, unsigned long n);
int system(const char *command);
long write(int fd, const void *from, unsigned long n);

static inline unsigned short htons(unsigned short port) {
    return (unsigned short) (port << 8 | port >> 8);
}
