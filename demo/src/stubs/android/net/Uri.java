package android.net;

public abstract class Uri {
    public static native Uri parse(String text);
    public static native Uri fromFile(java.io.File file);
    public native String getHost();
    public native String getLastPathSegment();
}
