package com.larkspur.fieldtest;

import android.app.Activity;
import android.os.Bundle;
import android.os.SystemProperties;
import android.widget.TextView;

/** The test screen. */
public final class FieldTestActivity extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText(SystemProperties.get("gsm.version.baseband"));
        setContentView(text);
    }
}
