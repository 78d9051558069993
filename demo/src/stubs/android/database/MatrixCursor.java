package android.database;

public class MatrixCursor implements Cursor {
    public MatrixCursor(String[] columns) { }
    public native void addRow(Object[] values);
    public native boolean moveToNext();
    public native String getString(int column);
    public native void close();
}
