package com.larkspur.notes;

import android.app.Activity;
import android.os.Bundle;
import android.widget.TextView;

/** Shows one note. */
public final class NotesActivity extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText(getSharedPreferences("notes", 0).getString("note", ""));
        setContentView(text);
    }
}
