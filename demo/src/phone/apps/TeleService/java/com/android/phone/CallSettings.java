package com.android.phone;

import android.app.Activity;
import android.content.Context;
import android.os.Bundle;
import android.telephony.TelephonyManager;
import android.widget.TextView;

/** Shows the phone's own number to its user. */
public final class CallSettings extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TelephonyManager telephony = (TelephonyManager) getSystemService(Context.TELEPHONY_SERVICE);
        TextView text = new TextView(this);
        text.setText(telephony.getLine1Number());
        setContentView(text);
    }
}
