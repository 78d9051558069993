package android.app;

public final class PendingIntent {
    public static native PendingIntent getBroadcast(
        android.content.Context context, int code, android.content.Intent intent, int flags);
    public native android.content.IntentSender getIntentSender();
}
