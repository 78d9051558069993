package com.larkspur.messages;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.telephony.SmsMessage;

/** Keeps the last message that arrived, on the phone. */
public final class SmsReceiver extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        Object[] pdus = (Object[]) intent.getSerializableExtra("pdus");
        for (Object pdu : pdus) {
            String body = SmsMessage.createFromPdu((byte[]) pdu, intent.getStringExtra("format")).getMessageBody();
            context.getSharedPreferences("messages", 0).edit().putString("last", body).apply();
        }
    }
}
