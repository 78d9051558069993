package com.made.panel;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;
import android.os.SystemProperties;

public final class Mode extends Service {
    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int id) {
        apply(intent.getStringExtra("mode"));
        return START_NOT_STICKY;
    }

    private void apply(String mode) {
        SystemProperties.set("sys.panel.mode", mode);
    }
}
