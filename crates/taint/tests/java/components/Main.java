package app;

import android.app.Activity;
import android.app.Service;
import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.os.Bundle;
import android.os.IBinder;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** From an activity to a service to a receiver, by class and by action; a result that comes back. */
public class Main extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        Intent intent = new Intent(this, Relay.class);
        intent.putExtra("id", ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId());
        intent.putExtra("note", "none");
        startService(intent);
        startActivityForResult(new Intent(this, Asked.class), 1);
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        SmsManager.getDefault().sendTextMessage("5", null, data.getStringExtra("note"), null, null);
    }
}

class Relay extends Service {
    @Override
    public int onStartCommand(Intent intent, int flags, int id) {
        Intent next = new Intent();
        next.setClassName(this, "app.Last");
        next.putExtras(intent.getExtras());
        sendBroadcast(next);
        return START_STICKY;
    }

    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }
}

class Last extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        Log.i("tag", intent.getStringExtra("id"));
        SmsManager.getDefault().sendTextMessage("5", null, "none", null, null);
    }
}

class Asked extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        Intent answer = new Intent();
        answer.putExtra("note", "none");
        setResult(RESULT_OK, answer);
        finish();
    }
}
