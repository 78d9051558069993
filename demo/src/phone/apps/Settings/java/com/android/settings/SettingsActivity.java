package com.android.settings;

import android.app.Activity;
import android.os.Bundle;
import android.os.SystemProperties;
import android.widget.TextView;

/** Shows what the phone is. */
public final class SettingsActivity extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText(SystemProperties.get("ro.build.fingerprint"));
        setContentView(text);
    }
}
