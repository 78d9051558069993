#!/system/bin/sh
log -t late started
