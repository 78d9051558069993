package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Generic collections, with the casts that the compiler adds, and a loop over each. */
public class Main extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        String id = ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
        Map<String, List<String>> table = new HashMap<>();
        table.put("secret", new ArrayList<>());
        table.put("plain", new ArrayList<>());
        table.get("secret").add(id);
        table.get("plain").add("none");
        for (String each : table.get("secret")) {
            Log.i("tag", each);
        }
        for (String each : table.get("plain")) {
            SmsManager.getDefault().sendTextMessage("5", null, each, null, null);
        }
    }
}
