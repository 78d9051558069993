package android.os;

public class Binder implements IBinder {
    public static native int getCallingUid();
    protected boolean onTransact(int code, Parcel data, Parcel reply, int flags) { return false; }
}
