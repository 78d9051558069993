package app;

import android.app.Activity;
import android.app.Service;
import android.content.ComponentName;
import android.content.Intent;
import android.content.ServiceConnection;
import android.os.Bundle;
import android.os.Handler;
import android.os.IBinder;
import android.os.Message;
import android.os.Messenger;
import android.os.RemoteException;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** A message to a service of the same app, through its messenger. */
public class Main extends Activity implements ServiceConnection {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        bindService(new Intent(this, Post.class), this, BIND_AUTO_CREATE);
    }

    @Override
    public void onServiceConnected(ComponentName name, IBinder binder) {
        Bundle data = new Bundle();
        data.putString("id", ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId());
        data.putString("note", "none");
        Message message = Message.obtain(null, 1);
        message.setData(data);
        try {
            new Messenger(binder).send(message);
        } catch (RemoteException e) {
            finish();
        }
    }

    @Override
    public void onServiceDisconnected(ComponentName name) {
    }
}

class Post extends Service {
    private static class Incoming extends Handler {
        @Override
        public void handleMessage(Message message) {
            Log.i("tag", message.getData().getString("id"));
            SmsManager.getDefault().sendTextMessage("5", null, message.getData().getString("note"), null, null);
        }
    }

    private final Messenger messenger = new Messenger(new Incoming());

    @Override
    public IBinder onBind(Intent intent) {
        return messenger.getBinder();
    }
}
