#!/system/bin/sh -e
# /comment/only
PATH=/sbin:/system/bin
. /vendor/etc/setup.sh;chmod 0666 "/dev/$NODE" >/data/local/tmp/log 2>&1
case $1 in */x) cp /a/*.so /b/ ;; esac
sed s/a/b/ /proc/version
