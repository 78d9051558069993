package com.made.tasks;

import android.app.Service;
import android.content.Intent;
import android.os.IBinder;
import java.io.File;

public final class Tasks extends Service {
    private Watch watch;

    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int id) {
        watch = new Watch(new File(getFilesDir(), "tasks.lst").getPath());
        watch.startWatching();
        return START_NOT_STICKY;
    }
}
