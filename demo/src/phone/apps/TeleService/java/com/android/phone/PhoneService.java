package com.android.phone;

import android.app.Service;
import android.content.Intent;
import android.os.Binder;
import android.os.IBinder;
import android.os.Parcel;
import android.os.SystemProperties;

/** Switches the radio. Only holders of MODIFY_PHONE_STATE get here, and the caller is checked once more. */
public final class PhoneService extends Service {
    private static final int SYSTEM_UID = 1000;

    private final IBinder binder = new Binder() {
        @Override
        protected boolean onTransact(int code, Parcel data, Parcel reply, int flags) {
            data.enforceInterface("com.android.phone.IPhone");
            if (Binder.getCallingUid() != SYSTEM_UID) {
                throw new SecurityException("only the system may switch the radio");
            }
            SystemProperties.set("gsm.radio.power", "off".equals(data.readString()) ? "0" : "1");
            reply.writeNoException();
            return true;
        }
    };

    @Override
    public IBinder onBind(Intent intent) {
        return binder;
    }
}
