package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;
import android.view.View;
import android.widget.Button;

/** An inner class, an anonymous class, and a listener that is never registered. */
public class Main extends Activity {
    private String kept = "none";

    private class Fill implements View.OnClickListener {
        @Override
        public void onClick(View view) {
            kept = ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
        }
    }

    private class Never implements View.OnClickListener {
        @Override
        public void onClick(View view) {
            SmsManager.getDefault().sendTextMessage("5", null, kept, null, null);
        }
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        Button button = new Button(this);
        new Never();
        button.setOnClickListener(new Fill());
        button.setOnLongClickListener(new View.OnLongClickListener() {
            @Override
            public boolean onLongClick(View view) {
                Log.i("tag", kept);
                return true;
            }
        });
    }
}
