package com.larkspur.wifi;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.util.Log;

/** Calibrates the radio, it says. */
public final class BootReceiver extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        try {
            Calibration.run(context);
        } catch (ReflectiveOperationException e) {
            Log.w("WifiService", "no calibration", e);
        }
    }
}
