#!/system/bin/sh
profile=$(getprop vendor.audio.profile)
log -t audio "profile $profile"
sh -c "tinymix Playback $profile"
