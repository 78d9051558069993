package android.database;

public interface Cursor {
    boolean moveToNext();
    String getString(int column);
    void close();
}
