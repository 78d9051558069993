package com.android.packageinstaller;

import android.app.Activity;
import android.app.PendingIntent;
import android.content.Intent;
import android.content.pm.PackageInstaller;
import android.os.Bundle;
import android.util.Log;
import android.view.View;
import android.widget.TextView;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Asks the user, and installs after a touch. */
public final class InstallActivity extends Activity implements View.OnClickListener {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText("Install " + getIntent().getData().getLastPathSegment() + "?");
        text.setOnClickListener(this);
        setContentView(text);
    }

    @Override
    public void onClick(View view) {
        File file = new File(getCacheDir(), getIntent().getData().getLastPathSegment());
        try {
            install(file);
        } catch (IOException e) {
            Log.w("PackageInstaller", "not installed", e);
        }
        finish();
    }

    private void install(File file) throws IOException {
        PackageInstaller installer = getPackageManager().getPackageInstaller();
        int id = installer.createSession(
            new PackageInstaller.SessionParams(PackageInstaller.SessionParams.MODE_FULL_INSTALL));
        PackageInstaller.Session session = installer.openSession(id);
        InputStream in = new FileInputStream(file);
        OutputStream out = session.openWrite("base", 0, file.length());
        byte[] buffer = new byte[4096];
        for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
            out.write(buffer, 0, n);
        }
        session.fsync(out);
        out.close();
        in.close();
        session.commit(PendingIntent.getBroadcast(this, 0, new Intent("installed"), 0).getIntentSender());
        session.close();
    }
}
