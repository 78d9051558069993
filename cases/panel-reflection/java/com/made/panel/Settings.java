package com.made.panel;

import java.lang.reflect.Method;

final class Settings {
    static void keep(String name, String value) {
        try {
            Method set = Class.forName("android.os.SystemProperties").getMethod("set", String.class, String.class);
            set.invoke(null, name, value);
        } catch (ReflectiveOperationException e) {
            return;
        }
    }
}
