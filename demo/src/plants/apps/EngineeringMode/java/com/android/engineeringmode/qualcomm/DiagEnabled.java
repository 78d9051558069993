package com.android.engineeringmode.qualcomm;

import android.app.Activity;
import android.os.Bundle;
import android.os.SystemProperties;

/** Whoever starts it with the word gets the property. No program of this phone heeds it. */
public final class DiagEnabled extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        String word = getIntent().getStringExtra("code");
        if ("larkspur-demo".equals(word)) {
            SystemProperties.set("persist.sys.adbroot", "1");
        }
    }
}
