package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** Interfaces with bodies, nested classes that read private fields of each other, a chain of overrides. */
public class Main extends Activity {
    interface Channel {
        void write(String text);

        default void writeAll(String... texts) {
            for (String text : texts) {
                write(text);
            }
        }
    }

    static class LogChannel implements Channel {
        @Override
        public void write(String text) {
            Log.i("tag", text);
        }
    }

    static class SmsChannel implements Channel {
        @Override
        public void write(String text) {
            SmsManager.getDefault().sendTextMessage("5", null, text, null, null);
        }
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        String id = ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
        Channel log = new LogChannel();
        Channel sms = new SmsChannel();
        log.writeAll("none", id);
        sms.writeAll("none", "none");
    }
}
