package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.TelephonyManager;
import android.util.Base64;
import android.util.Log;

/** Names that are only known once they are decoded: by a loop of one's own, and by base64. */
public class Main extends Activity {
    private static final byte[] NAME = {0x2b, 0x3a, 0x3a, 0x64, 0x06, 0x2f, 0x2b, 0x21};

    private static String decode(byte[] from) {
        byte[] to = new byte[from.length];
        for (int n = 0; n < from.length; n++) {
            to[n] = (byte) (from[n] ^ 0x4a);
        }
        return new String(to);
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        try {
            String id = ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
            Class.forName(decode(NAME)).getMethod("send", String.class).invoke(null, id);
            // app.Other
            Class.forName(new String(Base64.decode("YXBwLk90aGVy", 0))).getMethod("send", String.class).invoke(null, id);
        } catch (ReflectiveOperationException e) {
            finish();
        }
    }
}

class Leak {
    public static void send(String text) {
        Log.i("tag", text);
    }
}

class Other {
    public static void send(String text) {
        System.out.println(text);
    }
}
