package com.made.panel;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;

public final class Mode extends Service {
    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int id) {
        Settings.keep("sys.panel.mode", intent.getStringExtra("mode"));
        return START_NOT_STICKY;
    }
}
