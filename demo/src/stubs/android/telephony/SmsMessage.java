package android.telephony;

public class SmsMessage {
    public static native SmsMessage createFromPdu(byte[] pdu, String format);
    public native String getMessageBody();
    public native String getOriginatingAddress();
}
