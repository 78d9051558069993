package android.content;

public abstract class Context {
    public static final String TELEPHONY_SERVICE = "phone";

    public native Object getSystemService(String name);
    public native android.content.pm.PackageManager getPackageManager();
    public native ContentResolver getContentResolver();
    public native Context getApplicationContext();
    public native String getPackageName();
    public native java.io.File getCacheDir();
    public native java.io.File getFilesDir();
    public native ClassLoader getClassLoader();
    public native SharedPreferences getSharedPreferences(String name, int mode);
    public native ComponentName startService(Intent intent);
    public native void startActivity(Intent intent);
    public native void sendBroadcast(Intent intent);
    public native int checkCallingPermission(String permission);
}
