package android.util;

public final class Log {
    public static native int i(String tag, String text);
    public static native int w(String tag, String text, Throwable why);
}
