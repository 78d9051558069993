package com.larkspur.syncagent;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;

/** Reports after every start. */
public final class BootReceiver extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        context.startService(new Intent(context, ReportService.class));
    }
}
