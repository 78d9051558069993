package com.larkspur.systemhelper;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;
import android.os.SystemProperties;

/** Sets, as the system, the property that the caller names. */
public final class HelperService extends Service {
    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int id) {
        SystemProperties.set(intent.getStringExtra("name"), intent.getStringExtra("value"));
        return START_NOT_STICKY;
    }
}
