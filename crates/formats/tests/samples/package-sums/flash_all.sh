fastboot $* getvar product 2>&1 | grep "^product: *larkspur"
CURRENT_ANTI_VER=1
fastboot $* flash crclist `pwd`/images/crclist.txt
if [ $? -ne 0 ] ; then echo "Flash crclist error"; exit 1; fi
fastboot $* flash xblbak `pwd`/images/xbl.elf
fastboot $* flash boot `pwd`/images/boot.img
