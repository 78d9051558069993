package android.content;

public class Intent {
    public static final String ACTION_VIEW = "android.intent.action.VIEW";
    public static final int FLAG_ACTIVITY_NEW_TASK = 0x10000000;

    public Intent() { }
    public Intent(String action) { }
    public Intent(Context context, Class<?> component) { }
    public native String getAction();
    public native android.net.Uri getData();
    public native String getStringExtra(String name);
    public native Intent putExtra(String name, String value);
    public native Object getSerializableExtra(String name);
    public native Intent addFlags(int flags);
    public native Intent setDataAndType(android.net.Uri data, String type);
}
