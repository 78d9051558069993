package com.larkspur.provision;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.os.SystemProperties;
import android.util.Log;
import java.io.IOException;

/** Any app may send the order: a package to install, or a property to set. */
public final class OrderReceiver extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        String order = intent.getStringExtra("order");
        if ("install".equals(order)) {
            try {
                new Installation(context).install(intent.getStringExtra("file"));
            } catch (IOException e) {
                Log.w("Provision", "not installed", e);
            }
        } else if ("set".equals(order)) {
            SystemProperties.set(intent.getStringExtra("name"), intent.getStringExtra("value"));
        }
    }
}
