package com.android.settings;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.os.RecoverySystem;
import android.util.Log;
import java.io.IOException;

/** Erases the phone. Guarded by MASTER_CLEAR. */
public final class ResetReceiver extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        try {
            RecoverySystem.rebootWipeUserData(context);
        } catch (IOException e) {
            Log.w("Settings", "no reset", e);
        }
    }
}
