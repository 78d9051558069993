package app;

import android.app.Activity;
import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.os.Bundle;
import android.telephony.TelephonyManager;
import android.util.Log;

/** Code that never runs: behind a constant, in a class that nobody makes, in a receiver that is not declared. */
public class Main extends Activity {
    static final boolean DEBUG = false;

    private void never() {
        Log.i("tag", ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId());
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        if (DEBUG) {
            never();
        }
        int mode = 3;
        if (mode * 2 == 7) {
            never();
        }
    }
}

class Undeclared extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        Log.i("tag", ((TelephonyManager) context.getSystemService(Context.TELEPHONY_SERVICE)).getDeviceId());
    }
}
