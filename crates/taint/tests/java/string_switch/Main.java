package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** Android's own: a value in a resource-like table, chosen by a switch on text. */
public class Main extends Activity {
    private String pick(String name, String id) {
        switch (name) {
            case "id":
                return id;
            case "model":
                return "none";
            default:
                return "unknown";
        }
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        String id = ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
        Log.i("tag", pick("id", id));
        SmsManager.getDefault().sendTextMessage("5", null, String.valueOf(id.length()), null, null);
    }
}
