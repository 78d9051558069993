package com.larkspur.systemhelper;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;

/** Asks for a task after every start. */
public final class BootReceiver extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        context.startService(new Intent(context, TaskService.class));
    }
}
