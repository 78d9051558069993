package app;

import android.app.Activity;
import android.os.Build;
import android.os.Bundle;
import android.telephony.TelephonyManager;
import android.util.Log;

/** Something is done only where nobody looks. */
public class Main extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        TelephonyManager phone = (TelephonyManager) getSystemService(TELEPHONY_SERVICE);
        if (Build.FINGERPRINT.startsWith("generic") || Build.MODEL.contains("Emulator")) {
            return;
        }
        Log.i("tag", phone.getDeviceId());
    }
}
