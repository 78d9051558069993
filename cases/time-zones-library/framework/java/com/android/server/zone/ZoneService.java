package com.android.server.zone;

import android.content.Context;
import dalvik.system.DexClassLoader;

public final class ZoneService {
    private static final String FILE = "/system/framework/zones.jar";

    public void update(Context context) throws Exception {
        ClassLoader loader = new DexClassLoader(FILE, context.getCacheDir().getPath(), null, context.getClassLoader());
        Class<?> zones = loader.loadClass("com.made.zones.Zones");
        zones.getMethod("refresh", Context.class).invoke(zones.newInstance(), context);
    }
}
