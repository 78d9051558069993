package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;
import java.lang.reflect.Method;

/** Names are put together; the receiver is made by name; a second method of the same shape is not called. */
public class Main extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        String id = ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
        try {
            Class<?> type = Class.forName("app." + "Hid" + "den");
            Object made = type.newInstance();
            Method method = type.getMethod("put", String.class);
            method.invoke(made, id);
            Object got = type.getDeclaredMethod("take").invoke(made);
            Log.i("tag", (String) got);
        } catch (ReflectiveOperationException e) {
            finish();
        }
    }
}

class Hidden {
    private String kept;

    public void put(String text) {
        kept = text;
    }

    public void send(String text) {
        SmsManager.getDefault().sendTextMessage("5", null, text, null, null);
    }

    public String take() {
        return kept;
    }
}
