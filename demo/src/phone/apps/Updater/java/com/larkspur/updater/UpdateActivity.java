package com.larkspur.updater;

import android.app.Activity;
import android.content.Intent;
import android.os.Bundle;
import android.view.View;
import android.widget.TextView;

/** The user asks for an update here. */
public final class UpdateActivity extends Activity implements View.OnClickListener {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText("Look for an update");
        text.setOnClickListener(this);
        setContentView(text);
    }

    @Override
    public void onClick(View view) {
        startService(new Intent(this, UpdateService.class));
    }
}
