package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** What goes through code that is not here. */
public class Main extends Activity {
    static {
        System.loadLibrary("mix");
    }

    private native String mix(String text);

    private native String version();

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        Log.i("tag", mix(((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId()));
        SmsManager.getDefault().sendTextMessage("5", null, version(), null, null);
    }
}
