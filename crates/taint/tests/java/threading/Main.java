package app;

import android.app.Activity;
import android.os.AsyncTask;
import android.os.Bundle;
import android.os.Handler;
import android.os.Message;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** A thread, a message, a task with types of its own (and the bridge methods that come of them). */
public class Main extends Activity {
    private final Handler handler = new Handler() {
        @Override
        public void handleMessage(Message message) {
            if (message.what == 1) {
                new Upload().execute((String) message.obj, "none");
            }
        }
    };

    private static class Upload extends AsyncTask<String, Integer, String[]> {
        @Override
        protected String[] doInBackground(String... texts) {
            return new String[] {texts[0], texts[1]};
        }

        @Override
        protected void onPostExecute(String[] found) {
            Log.i("tag", found[0]);
            SmsManager.getDefault().sendTextMessage("5", null, found[1], null, null);
        }
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        final String id = ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
        new Thread() {
            @Override
            public void run() {
                handler.sendMessage(handler.obtainMessage(1, id));
            }
        }.start();
    }
}
