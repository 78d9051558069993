package com.larkspur.vendortools;

import android.app.Activity;
import android.os.Bundle;
import android.os.SystemProperties;
import android.widget.TextView;

/** Shows the serial number. */
public final class ToolsActivity extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText(SystemProperties.get("ro.serialno"));
        setContentView(text);
    }
}
