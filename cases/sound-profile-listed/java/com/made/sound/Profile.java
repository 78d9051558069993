package com.made.sound;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.os.SystemProperties;

public final class Profile extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        SystemProperties.set("vendor.audio.profile", intent.hasExtra("loud") ? "loud" : "soft");
    }
}
