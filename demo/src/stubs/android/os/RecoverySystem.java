package android.os;

import java.io.File;
import java.io.IOException;
import java.security.GeneralSecurityException;

public class RecoverySystem {
    public interface ProgressListener {
        void onProgress(int percent);
    }

    public static native void verifyPackage(File file, ProgressListener listener, File certificates)
        throws IOException, GeneralSecurityException;
    public static native void installPackage(android.content.Context context, File file) throws IOException;
    public static native void rebootWipeUserData(android.content.Context context) throws IOException;
}
