package com.made.panel;

import android.os.SystemProperties;

final class Settings {
    static void keep(String name, String value) {
        if (value != null) {
            put(name, value);
        }
    }

    private static void put(String name, String value) {
        SystemProperties.set(name, value);
    }
}
