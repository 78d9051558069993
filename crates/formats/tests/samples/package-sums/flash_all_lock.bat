set CURRENT_ANTI_VER=1
fastboot %* flash boot %~dp0images\boot.img || @echo "Flash boot error" && exit /B 1
