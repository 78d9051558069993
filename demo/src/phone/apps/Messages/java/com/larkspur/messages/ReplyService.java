package com.larkspur.messages;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;
import android.telephony.SmsManager;

/** "I will call you back", as the dialer asks for it. */
public final class ReplyService extends Service {
    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int id) {
        String to = intent.getData().getLastPathSegment();
        SmsManager.getDefault().sendTextMessage(to, null, intent.getStringExtra("text"), null, null);
        return START_NOT_STICKY;
    }
}
