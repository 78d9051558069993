package android.telephony;

public final class SmsManager {
    public static native SmsManager getDefault();
    public native void sendTextMessage(
        String to, String center, String text, android.app.PendingIntent sent, android.app.PendingIntent delivered);
}
