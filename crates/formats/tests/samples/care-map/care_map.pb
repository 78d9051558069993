
Y
system4,0,100,102,128ro.system.build.fingerprint"!acme/l/l:11/A/1:user/release-keys
6
vendor2,0,64ro.vendor.build.fingerprint"unknown