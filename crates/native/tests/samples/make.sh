#!/bin/sh
# Makes the samples again. Debian packages: gcc-aarch64-linux-gnu, gcc-arm-linux-gnueabihf, gcc-i686-linux-gnu, gcc.
set -e
cd "$(dirname "$0")"
flags="-shared -fPIC -nostdlib -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables -Wl,-z,max-page-size=4096
    -Wl,-z,noseparate-code -Wl,--build-id=none -Wl,--hash-style=sysv -s"
aarch64-linux-gnu-gcc -O2 $flags -o daemon.arm64 daemon.c
arm-linux-gnueabihf-gcc -Os -mthumb $flags -o daemon.thumb daemon.c
arm-linux-gnueabihf-gcc -O2 -marm $flags -o daemon.arm daemon.c
i686-linux-gnu-gcc -O2 $flags -o daemon.x86 daemon.c
x86_64-linux-gnu-gcc -O2 $flags -o daemon.x86_64 daemon.c
# Without sections, as a hostile packer leaves it, and with names.
aarch64-linux-gnu-gcc -O0 $flags -o daemon.plain.arm64 daemon.c
# The same behind a function and texts that move all of it, and with one other word in one function.
{
    echo 'extern int puts(const char *), strcmp(const char *, const char *);'
    echo '__attribute__((noinline, noipa)) int padding(const char *it) {'
    echo '    return strcmp(it, "a text that moves the others") + puts("and another one") + puts(it) * 7;'
    echo '}'
    sed 's/strcpy(text, "id")/strcpy(text, "su")/' daemon.c
} > moved.c
aarch64-linux-gnu-gcc -O2 $flags -o moved.arm64 moved.c
arm-linux-gnueabihf-gcc -Os -mthumb $flags -o moved.thumb moved.c
arm-linux-gnueabihf-gcc -O2 -marm $flags -o moved.arm moved.c
i686-linux-gnu-gcc -O2 $flags -o moved.x86 moved.c
x86_64-linux-gnu-gcc -O2 $flags -o moved.x86_64 moved.c
rm moved.c
# What Java calls.
aarch64-linux-gnu-gcc -O2 $flags -o jni.arm64 jni.c
arm-linux-gnueabihf-gcc -Os -mthumb $flags -o jni.thumb jni.c
# What is offered by Binder.
aarch64-linux-gnu-gcc -O2 -w $flags -o binder.arm64 binder.c
arm-linux-gnueabihf-gcc -Os -w -mthumb $flags -o binder.thumb binder.c
arm-linux-gnueabihf-gcc -O2 -w -marm $flags -o binder.arm binder.c
x86_64-linux-gnu-gcc -O2 -w $flags -o binder.x86_64 binder.c
