package android.content;

public final class ContentValues {
    public native String getAsString(String key);
    public native void put(String key, String value);
}
