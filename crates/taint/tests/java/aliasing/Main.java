package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** Two names of one object, and two objects of one name after the other. */
public class Main extends Activity {
    static class Box {
        String value = "none";
        Box inner;
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        String id = ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
        Box first = new Box();
        Box second = new Box();
        first.inner = second;
        Box alias = first.inner;
        first.inner = new Box();
        alias.value = id;
        Log.i("tag", second.value);
        SmsManager.getDefault().sendTextMessage("5", null, first.inner.value, null, null);
    }
}
