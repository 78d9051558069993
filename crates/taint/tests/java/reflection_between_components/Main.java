package app;

import android.app.Activity;
import android.content.Intent;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** The receiver of an intent is a class that is found by its name. */
public class Main extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        try {
            Intent intent = new Intent(this, Class.forName("app.Second"));
            intent.putExtra("id", ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId());
            startActivity(intent);
        } catch (ClassNotFoundException e) {
            finish();
        }
    }
}

class Second extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        Log.i("tag", getIntent().getStringExtra("id"));
    }
}

class Third extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        SmsManager.getDefault().sendTextMessage("5", null, getIntent().getStringExtra("id"), null, null);
    }
}
