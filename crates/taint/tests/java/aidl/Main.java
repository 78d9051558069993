package app;

import android.app.Service;
import android.content.Intent;
import android.os.Binder;
import android.os.IBinder;
import android.os.IInterface;
import android.os.Parcel;
import android.os.RemoteException;
import java.io.IOException;

/** A service that other apps may call, with a stub as the compiler of AIDL writes it. */
public class Main extends Service {
    private final Remote.Stub stub = new Remote.Stub() {
        @Override
        public void run(String command) {
            try {
                Runtime.getRuntime().exec(command);
            } catch (IOException e) {
                stopSelf();
            }
        }

        @Override
        public int load(String name) {
            enforceCallingPermission("app.permission.LOAD", null);
            System.load(name);
            return 0;
        }
    };

    @Override
    public IBinder onBind(Intent intent) {
        return stub;
    }
}

interface Remote extends IInterface {
    void run(String command) throws RemoteException;

    int load(String name) throws RemoteException;

    abstract class Stub extends Binder implements Remote {
        private static final String DESCRIPTOR = "app.Remote";

        Stub() {
            attachInterface(this, DESCRIPTOR);
        }

        @Override
        public IBinder asBinder() {
            return this;
        }

        @Override
        public boolean onTransact(int code, Parcel data, Parcel reply, int flags) throws RemoteException {
            switch (code) {
                case INTERFACE_TRANSACTION:
                    reply.writeString(DESCRIPTOR);
                    return true;
                case 1: {
                    data.enforceInterface(DESCRIPTOR);
                    String command = data.readString();
                    run(command);
                    reply.writeNoException();
                    return true;
                }
                case 2: {
                    data.enforceInterface(DESCRIPTOR);
                    int result = load(data.readString());
                    reply.writeNoException();
                    reply.writeInt(result);
                    return true;
                }
                default:
                    return super.onTransact(code, data, reply, flags);
            }
        }
    }
}
