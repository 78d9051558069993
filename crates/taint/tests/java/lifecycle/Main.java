package app;

import android.app.Activity;
import android.app.Application;
import android.app.Fragment;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** An application, an activity and a fragment, each with its life. */
public class Main extends Activity {
    private String early = "none";
    private String saved = "none";

    @Override
    protected void onResume() {
        super.onResume();
        early = ((App) getApplication()).id;
    }

    @Override
    protected void onSaveInstanceState(Bundle out) {
        out.putString("id", early);
        out.putString("note", saved);
    }

    @Override
    protected void onRestoreInstanceState(Bundle in) {
        Part part = new Part();
        Bundle arguments = new Bundle();
        arguments.putString("id", in.getString("id"));
        arguments.putString("note", in.getString("note"));
        part.setArguments(arguments);
        getFragmentManager().beginTransaction().add(part, "part").commit();
    }

    public static class Part extends Fragment {
        @Override
        public void onDestroy() {
            super.onDestroy();
            Log.i("tag", getArguments().getString("id"));
            SmsManager.getDefault().sendTextMessage("5", null, getArguments().getString("note"), null, null);
        }
    }
}

class App extends Application {
    String id;

    @Override
    public void onCreate() {
        super.onCreate();
        id = ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
    }
}
