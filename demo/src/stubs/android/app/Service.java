package android.app;

public abstract class Service extends android.content.ContextWrapper {
    public static final int START_NOT_STICKY = 2;

    public abstract android.os.IBinder onBind(android.content.Intent intent);
    public int onStartCommand(android.content.Intent intent, int flags, int id) { return START_NOT_STICKY; }
    public native void stopSelf(int id);
}
