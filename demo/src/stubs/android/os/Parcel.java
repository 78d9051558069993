package android.os;

public final class Parcel {
    public native void enforceInterface(String descriptor);
    public native String readString();
    public native void writeInt(int value);
    public native void writeNoException();
}
