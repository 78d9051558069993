package android.telephony;

public class TelephonyManager {
    public native String getDeviceId();
    public native String getSubscriberId();
    public native String getLine1Number();
}
