void *dlopen(const char *, int);

void log_it(const char *text) {
    dlopen("/system/lib64/liblogy.so", 2);
}
