package android.os;

public class SystemProperties {
    public static native String get(String name);
    public static native void set(String name, String value);
}
