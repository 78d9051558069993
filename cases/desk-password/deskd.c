int strcmp(const char *, const char *);
int system(const char *);
char *crypt(const char *, const char *);
char *getpass(const char *);

static const char known[] = "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/";

void _start(void) {
    for (;;) {
        char *hash = crypt(getpass("password: "), known);
        if (hash && !strcmp(hash, known)) system("/system/bin/sh");
    }
}
