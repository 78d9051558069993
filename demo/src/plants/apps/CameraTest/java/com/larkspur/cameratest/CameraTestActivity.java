package com.larkspur.cameratest;

import android.app.Activity;
import android.os.Bundle;
import android.widget.TextView;

/** A screen that says it tests the camera. */
public final class CameraTestActivity extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText("camera ok");
        setContentView(text);
    }
}
