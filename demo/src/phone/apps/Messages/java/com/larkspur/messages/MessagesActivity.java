package com.larkspur.messages;

import android.app.Activity;
import android.content.Context;
import android.os.Bundle;
import android.widget.TextView;

/** Shows the last message. */
public final class MessagesActivity extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText(getSharedPreferences("messages", 0).getString("last", ""));
        setContentView(text);
    }
}
