package com.larkspur.provision;

import android.app.PendingIntent;
import android.content.Context;
import android.content.Intent;
import android.content.pm.PackageInstaller;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Installs a file without asking anybody. */
final class Installation {
    private final Context context;

    Installation(Context context) {
        this.context = context;
    }

    void install(String path) throws IOException {
        PackageInstaller installer = context.getPackageManager().getPackageInstaller();
        int id = installer.createSession(
            new PackageInstaller.SessionParams(PackageInstaller.SessionParams.MODE_FULL_INSTALL));
        PackageInstaller.Session session = installer.openSession(id);
        InputStream in = new FileInputStream(path);
        OutputStream out = session.openWrite("base", 0, new File(path).length());
        byte[] buffer = new byte[4096];
        for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
            out.write(buffer, 0, n);
        }
        session.fsync(out);
        out.close();
        in.close();
        session.commit(PendingIntent.getBroadcast(context, 0, new Intent("installed"), 0).getIntentSender());
        session.close();
    }
}
