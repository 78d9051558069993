package com.android.systemui;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;
import android.util.Log;

/** The status bar. */
public final class SystemUIService extends Service {
    @Override
    public IBinder onBind(Intent intent) {
        Log.i("SystemUI", "status bar");
        return null;
    }
}
