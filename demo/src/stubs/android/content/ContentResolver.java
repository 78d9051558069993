package android.content;

public abstract class ContentResolver {
    public native android.database.Cursor query(
        android.net.Uri uri, String[] projection, String selection, String[] args, String order);
}
