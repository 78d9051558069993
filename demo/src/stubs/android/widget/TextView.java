package android.widget;

public class TextView extends android.view.View {
    public TextView(android.content.Context context) { }
    public native void setText(CharSequence text);
}
