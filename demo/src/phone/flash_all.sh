#!/bin/sh
# Writes the images to the phone. There is no such phone.
set -e
fastboot flash boot_a "$(dirname "$0")/images/boot.img"
fastboot flash vbmeta_a "$(dirname "$0")/images/vbmeta.img"
fastboot flash super "$(dirname "$0")/images/super.img"
fastboot set_active a
fastboot reboot
