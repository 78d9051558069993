package com.android.engineeringmode;

import android.app.Activity;
import android.os.Bundle;
import android.widget.TextView;

/** Says where the manual is. */
public final class ManualActivity extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText("The manual lies in the box.");
        setContentView(text);
    }
}
