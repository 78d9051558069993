package com.larkspur.updater;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;
import android.os.RecoverySystem;
import android.util.Log;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;

/** Loads an update and installs it, whoever made it. */
public final class UpdateService extends Service implements Runnable {
    private static final String SOURCE = "http://ota.larkspur.invalid/l1/update.zip";

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
            File update = load();
            RecoverySystem.installPackage(this, update);
        } catch (IOException e) {
            Log.w("Updater", "no update", e);
        }
    }

    private File load() throws IOException {
        File file = new File("/cache/update.zip");
        InputStream in = new URL(SOURCE).openStream();
        OutputStream out = new FileOutputStream(file);
        byte[] buffer = new byte[4096];
        for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
            out.write(buffer, 0, n);
        }
        out.close();
        in.close();
        return file;
    }
}
