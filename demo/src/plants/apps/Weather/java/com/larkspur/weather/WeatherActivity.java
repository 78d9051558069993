package com.larkspur.weather;

import android.app.Activity;
import android.os.Bundle;
import android.widget.TextView;

/** It is always sunny. */
public final class WeatherActivity extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText("sunny");
        setContentView(text);
    }
}
