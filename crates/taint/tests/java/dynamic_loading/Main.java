package app;

import android.app.Activity;
import android.os.Bundle;
import android.os.Environment;
import dalvik.system.DexClassLoader;
import java.io.File;

/** Code from where every app may write is loaded, and code of one's own. */
public class Main extends Activity {
    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        File plugin = new File(Environment.getExternalStorageDirectory(), "plugin.dex");
        try {
            ClassLoader loader = new DexClassLoader(plugin.getAbsolutePath(), "/data/x", null, getClassLoader());
            loader.loadClass("plugin.Entry").newInstance();
            new DexClassLoader("/system/framework/own.jar", "/data/x", null, getClassLoader());
        } catch (ReflectiveOperationException e) {
            finish();
        }
    }
}
