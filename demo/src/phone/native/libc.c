/* Stands for Android's C library: the names that the demo's programs import, with nothing behind them. Whoever ran these
 * programs with this library would see nothing happen. */
#define NOTHING(name) \
    long name(void) { return 0; }

NOTHING(accept)
NOTHING(bind)
NOTHING(close)
NOTHING(exit)
NOTHING(inet_addr)
NOTHING(listen)
NOTHING(memcpy)
NOTHING(memset)
NOTHING(open)
NOTHING(puts)
NOTHING(read)
NOTHING(recv)
NOTHING(sleep)
NOTHING(socket)
NOTHING(strcmp)
NOTHING(strncmp)
NOTHING(system)
NOTHING(write)
