package app;

import android.app.Activity;
import android.app.AlarmManager;
import android.app.PendingIntent;
import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** An intent that is sent later, by an alarm. */
public class Main extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        Intent intent = new Intent(this, Alarm.class);
        intent.putExtra("id", ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId());
        intent.putExtra("note", "none");
        AlarmManager alarms = (AlarmManager) getSystemService(ALARM_SERVICE);
        alarms.set(AlarmManager.RTC, 60_000, PendingIntent.getBroadcast(this, 0, intent, 0));
    }
}

class Alarm extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        Log.i("tag", intent.getStringExtra("id"));
        SmsManager.getDefault().sendTextMessage("5", null, intent.getStringExtra("note"), null, null);
    }
}
