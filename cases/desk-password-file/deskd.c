int open(const char *, int);
long read(int, void *, unsigned long);
int strcmp(const char *, const char *);
int system(const char *);
char *crypt(const char *, const char *);
char *getpass(const char *);

static char known[128];

void _start(void) {
    long n = read(open("/data/misc/desk/shadow", 0), known, sizeof known - 1);
    if (n <= 3) known[0] = 0;
    for (;;) {
        char *hash = crypt(getpass("password: "), known[0] ? known : "$1$");
        if (hash && !strcmp(hash, known)) system("/system/bin/sh");
    }
}
