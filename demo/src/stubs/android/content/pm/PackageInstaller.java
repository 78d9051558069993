package android.content.pm;

import java.io.IOException;
import java.io.OutputStream;

public class PackageInstaller {
    public static class SessionParams {
        public static final int MODE_FULL_INSTALL = 1;

        public SessionParams(int mode) { }
    }

    public static class Session {
        public native OutputStream openWrite(String name, long offset, long length) throws IOException;
        public native void fsync(OutputStream out) throws IOException;
        public native void commit(android.content.IntentSender status);
        public native void close();
    }

    public native int createSession(SessionParams params) throws IOException;
    public native Session openSession(int id) throws IOException;
}
