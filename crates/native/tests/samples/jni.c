/* A library of an app: what Java calls leads to a command by another function, or to a socket, or to nothing. */
extern int system(const char *), socket(int, int, int), puts(const char *);

__attribute__((noinline, noipa)) static int further(const char *what) { return system(what); }
__attribute__((noinline, noipa)) static int hidden(void *env, void *self, int n) { return env == self ? n : socket(2, 1, 0); }

int Java_com_example_Native_go(void *env, void *self) { return further("id") + (env == self); }
int Java_com_example_Native_say(void *env, void *self) { return puts("nothing") + (env == self); }

const struct { const char *name, *descriptor; void *function; } methods[] = {
    {"hidden", "(I)I", (void *)hidden},
};
