package android.app;

public class Activity extends android.content.ContextWrapper {
    protected void onCreate(android.os.Bundle state) { }
    public native void setContentView(android.view.View view);
    public native android.content.Intent getIntent();
    public native void finish();
}
