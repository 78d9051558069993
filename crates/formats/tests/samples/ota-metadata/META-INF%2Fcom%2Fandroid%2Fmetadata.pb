"I
ota-property-files3payload_metadata.bin:1024:300,payload.bin:1024:40002?
l!acme/l/l:11/A/1:user/release-keys1 €ÍÚÿ*302
2021-01-05